# The right half: export, build and prove a .tflite. No TensorFlow.
#   docker build -f docker/firmware.Dockerfile -t tinykd-firmware .
#   docker run --rm -v "$PWD:/data" tinykd-firmware verify model.tflite --target m4
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv make gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/tinykd
ENV PATH=/opt/tinykd/bin:$PATH
COPY . /usr/src/tinykd
RUN pip install --no-cache-dir -c /usr/src/tinykd/constraints.txt "/usr/src/tinykd[firmware]"
WORKDIR /data
ENTRYPOINT ["tinykd"]
CMD ["--help"]

# Everything: training with TensorFlow, export, build and proof.
#   docker build -f docker/train.Dockerfile -t tinykd .
#   docker run --rm -v "$PWD:/data" tinykd distill digits
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv make gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/tinykd
ENV PATH=/opt/tinykd/bin:$PATH
COPY . /usr/src/tinykd
RUN pip install --no-cache-dir -c /usr/src/tinykd/constraints.txt "/usr/src/tinykd[train,firmware]"
WORKDIR /data
ENTRYPOINT ["tinykd"]
CMD ["--help"]

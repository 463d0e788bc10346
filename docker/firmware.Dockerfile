# The right half: export, build and prove a .tflite with Debian's GCC and QEMU. No TensorFlow.
#   docker build -f docker/firmware.Dockerfile -t tinykd-firmware .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" tinykd-firmware verify model.tflite --target m4
ARG BASE=debian:bookworm-20250520-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
RUN python3 -m venv --without-pip /opt/tinykd && python3 -m venv /opt/build
COPY . /src
RUN PIP_CONSTRAINT=/src/constraints.txt /opt/build/bin/pip --python /opt/tinykd/bin/python install --no-cache-dir /src

FROM ${BASE}
# Firmware is linked with nothing but libgcc: of newlib the headers are enough, and of libgcc what Cortex-M has.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 make gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /usr/lib/arm-none-eabi/newlib \
      /usr/lib/gcc/arm-none-eabi/*/arm /usr/lib/gcc/arm-none-eabi/*/thumb/v[78]*-[ar]* /usr/lib/gcc/arm-none-eabi/*/thumb/v7ve* \
 && useradd --uid 1000 --create-home tinykd \
 && chmod 1777 /home/tinykd
COPY --from=build /opt/tinykd /opt/tinykd
ENV PATH=/opt/tinykd/bin:$PATH HOME=/home/tinykd
USER 1000:1000
WORKDIR /data
ENTRYPOINT ["tinykd"]
CMD ["--help"]

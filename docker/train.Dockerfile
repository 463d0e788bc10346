# The left half: train, distil, quantize and report with TensorFlow. firmware.Dockerfile builds and proves what comes out.
#   docker build -f docker/train.Dockerfile -t tinykd-train .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" tinykd-train distill digits
ARG BASE=debian:bookworm-20250520-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
RUN python3 -m venv --without-pip /opt/tinykd && python3 -m venv /opt/build
COPY . /src
RUN PIP_CONSTRAINT=/src/constraints.txt /opt/build/bin/pip --python /opt/tinykd/bin/python install --no-cache-dir "/src[train,study]"

FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 \
 && apt-get clean && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home tinykd \
 && chmod 1777 /home/tinykd
COPY --from=build /opt/tinykd /opt/tinykd
ENV PATH=/opt/tinykd/bin:$PATH HOME=/home/tinykd
USER 1000:1000
WORKDIR /data
ENTRYPOINT ["tinykd"]
CMD ["--help"]

# bids-seg, CPU by default: `docker run --rm -v BIDS:/bids:ro -v OUT:/out bids-seg /bids /out participant`
# For NVIDIA GPUs: --build-arg REQ=gpu-py313.txt, and run with --gpus all.
ARG BASE=debian:trixie-slim
# hadolint ignore=DL3006
FROM ${BASE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/*
ARG REQ=cpu-py313.txt
COPY requirements/${REQ} /requirements.txt
RUN python3 -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir uv==0.13.8 \
 && /opt/uv/bin/uv venv /opt/venv \
 && VIRTUAL_ENV=/opt/venv /opt/uv/bin/uv pip sync --system-certs --no-cache --require-hashes /requirements.txt \
 && rm -rf /opt/venv/lib/python3.13/site-packages/tensorflow/include /opt/venv/lib/python3.13/site-packages/clang

# hadolint ignore=DL3006
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir /bids /out
COPY --from=build /opt/venv /opt/venv
COPY run.py version LICENSE /opt/bids-seg/
COPY bids_seg /opt/bids-seg/bids_seg
RUN /opt/venv/bin/python -m compileall -q /opt/bids-seg
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONNOUSERSITE=1 \
    NO_ET=1 NIPYPE_NO_ET=1 MPLBACKEND=Agg TF_CPP_MIN_LOG_LEVEL=2 \
    BIDS_SEG_CONTAINER_TYPE=docker
WORKDIR /tmp
USER 1000:1000
ENTRYPOINT ["/opt/venv/bin/python", "/opt/bids-seg/run.py"]

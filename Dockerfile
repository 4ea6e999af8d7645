# One image a service:  docker build --build-arg SERVICE=asr -t holdfast/asr .      (`make images`: all six)
#
#   SERVICE       asr, dialogue, gateway, records, tools or tts
#   ACCELERATOR   cpu, or cuda (asr only): adds CUDA 12 and cuDNN; the driver comes from the machine
#   PYTHON_IMAGE  the base; pin it by digest in production
#
# Packages come first, by hash, from the service's own lock: that layer lasts until the lock changes. Our
# own code is the last layer. The image runs as user 10001 on a read-only root; only /state and /tmp are
# written, and /models and /voices where volumes are mounted there. Nothing that builds or installs
# packages is copied into it.

ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm
ARG SERVICE=gateway

# --- building: the same for every service, so one layer serves six images ---
FROM ${PYTHON_IMAGE} AS tools
WORKDIR /build
COPY requirements/build.txt ./
RUN python -m venv tools \
 && tools/bin/pip install -q --no-cache-dir --disable-pip-version-check --require-hashes -r build.txt

# --- third-party packages of this service, by hash ---
FROM tools AS packages
ARG SERVICE
ARG ACCELERATOR=cpu
ENV UV_LINK_MODE=copy UV_NO_CACHE=1
RUN python -m venv --without-pip /opt/holdfast
COPY requirements/${SERVICE}.txt requirements/asr-cuda.txt ./
RUN tools/bin/uv pip install -q --python /opt/holdfast/bin/python --no-deps --require-hashes --compile-bytecode \
      -r ${SERVICE}.txt \
 && if [ "${ACCELERATOR}" = cuda ]; then \
      tools/bin/uv pip install -q --python /opt/holdfast/bin/python --no-deps --require-hashes -r asr-cuda.txt; fi

# --- our own members, as wheels: a source tree has no hash ---
FROM packages AS members
ARG SERVICE
COPY libs/common libs/common
COPY services/${SERVICE} service
RUN tools/bin/uv build -q --wheel --no-build-isolation --python tools/bin/python -o wheels libs/common \
 && tools/bin/uv build -q --wheel --no-build-isolation --python tools/bin/python -o wheels service \
 && tools/bin/uv pip install -q --python /opt/holdfast/bin/python --no-deps --no-index --compile-bytecode wheels/*.whl

# --- running: what all services have in common ---
FROM ${PYTHON_IMAGE} AS runtime
ENV PATH=/opt/holdfast/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    HOME=/state \
    XDG_CACHE_HOME=/state/cache \
    HOLDFAST_PROFILE=/app/profiles/trial_success \
    HOLDFAST_STATE_DIR=/state \
    HOLDFAST_SECRETS_DIR=/run/secrets \
    HOLDFAST_LOG_FORMAT=json \
    HOLDFAST_HEALTH_PORT=9000 \
    HOLDFAST_HEALTH_HOST=0.0.0.0
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /state --shell /usr/sbin/nologin holdfast \
 && install -d -o 10001 -g 10001 /models /voices \
 && install -d -o 10001 -g 10001 -m 1777 /state   # a tmpfs mounted here takes the folder's mode, not its owner
WORKDIR /app
COPY LICENSE /app/
COPY profiles /app/profiles
# From the process's own pages; the interval is cheap (one short-lived interpreter).
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-I", "-m", "holdfast_common.probe", "http://127.0.0.1:9000/ready"]
EXPOSE 9000
STOPSIGNAL SIGTERM

# --- what each service adds ---
FROM runtime AS run-asr
# Where the CUDA variant's libraries lie; nothing is there in the other one.
ENV LD_LIBRARY_PATH=/opt/holdfast/lib/python3.11/site-packages/nvidia/cublas/lib:/opt/holdfast/lib/python3.11/site-packages/nvidia/cudnn/lib
CMD ["python", "-m", "holdfast_asr"]

FROM runtime AS run-dialogue
CMD ["python", "-m", "holdfast_dialogue"]

FROM runtime AS run-gateway
COPY web /app/web
ENV HOLDFAST_GATEWAY_WEB_DIR=/app/web \
    HOLDFAST_GATEWAY_HOST=0.0.0.0 \
    HOLDFAST_GATEWAY_PORT=8080
EXPOSE 8080
CMD ["python", "-m", "holdfast_gateway"]

FROM runtime AS run-records
CMD ["python", "-m", "holdfast_records"]

FROM runtime AS run-tools
CMD ["python", "-m", "holdfast_tools"]

FROM runtime AS run-tts
# The clearest of the voices that need no download; loaded from here as a shared library.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libflite1 >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
COPY services/tts/LICENSE /app/LICENSE.tts
CMD ["python", "-m", "holdfast_tts"]

FROM run-${SERVICE}
ARG SERVICE
LABEL org.opencontainers.image.title="holdfast ${SERVICE}"
COPY --from=members /opt/holdfast /opt/holdfast
USER 10001:10001

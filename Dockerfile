# One image a service: docker build --build-arg SERVICE=auth_service --build-arg PORT=5000 --tag shop/auth-service .
# The gateway for production: --build-arg SERVICE=gateway --build-arg PORT=8080 --build-arg CODE=compiled
ARG CODE=plain

FROM python:3.13-slim AS packages
RUN apt-get update -qq && apt-get install -qq --yes --no-install-recommends binutils && python -m venv /opt/venv
ARG SERVICE
COPY ${SERVICE}/requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/python -m pip install --quiet --no-cache-dir --require-hashes --requirement /tmp/requirements.txt \
    && /opt/venv/bin/python -m pip uninstall --quiet --yes pip
# Half of it is of no use to a running service.
RUN <<'END'
set -eu
cd /opt/venv/lib/python3*/site-packages
# Tests, stubs, what only type checkers read, events that the shop does not take, an older pydantic's ways.
rm -rf ./*/testing certifi/tests ./*-stubs stripe/params stripe/events pydantic/v1
find . \( -name '*.pyi' -o -name RECORD \) -delete

# Languages but English; a parser of C; colours of code; fonts and AVIF (pictures are JPEG, PNG, GIF or WebP).
rm -rf wtforms/locale babel/messages cffi pycparser pygments markdown_it
find babel/locale-data -type f ! -name root.dat ! -name en.dat ! -name en_US.dat -delete
rm -rf PIL/_avif.* PIL/_imagingft.* pillow.libs/libavif* pillow.libs/libfreetype* pillow.libs/libharfbuzz* pillow.libs/libbrotli*

# What only debuggers read; Pillow's own libraries are patched in a way that does not survive it.
find . -name '*.so' -exec strip --strip-unneeded {} +

# Libraries as bytecode alone: a traceback still names their files and lines.
/opt/venv/bin/python -m compileall -q -b -x /templates/ .
find . -name __pycache__ -prune -exec rm -r {} +
find . -name '*.py' ! -path '*/templates/*' -delete
END

FROM python:3.13-slim AS plain
ARG SERVICE
WORKDIR /shop
COPY chassis chassis
COPY ${SERVICE} ${SERVICE}

# What every request passes in the gateway, as machine code beside its source.
FROM python:3.13-slim AS compiled
RUN apt-get update -qq && apt-get install -qq --yes --no-install-recommends gcc libpython3-dev && python -m venv /opt/venv
COPY gateway/requirements-compile.txt /tmp/requirements.txt
RUN /opt/venv/bin/python -m pip install --quiet --no-cache-dir --require-hashes --requirement /tmp/requirements.txt
WORKDIR /source
COPY pyproject.toml .
COPY scripts/compile scripts/interpreter.py scripts/project.py scripts/
COPY chassis chassis
COPY gateway gateway
RUN /opt/venv/bin/python scripts/compile /shop && cd /shop && rm -r .mypy_cache build pyproject.toml \
    && find . -name '*.so' -exec strip --strip-unneeded {} +

FROM ${CODE} AS code

FROM python:3.13-slim
ARG SERVICE
ARG PORT
RUN groupadd --gid 10001 shop \
    && useradd --uid 10001 --gid shop --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin shop \
    && install --directory --owner shop --group shop --mode 0700 /data /run/shop-secrets
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FLASK_APP=${SERVICE} \
    HOST=0.0.0.0 \
    PORT=${PORT} \
    DATA_DIR=/data
WORKDIR /shop
COPY --from=packages /opt/venv /opt/venv
COPY --from=code /shop .
RUN PYTHONDONTWRITEBYTECODE= python -m compileall -q .
USER shop
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["python", "-ISc", "\
import http.client, os, sys; \
service = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); \
service.request('GET', '/livez'); \
sys.exit(service.getresponse().status != 200)"]
CMD exec python -m "$FLASK_APP"

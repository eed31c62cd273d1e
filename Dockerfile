# One image a service: docker build --build-arg SERVICE=auth_service --build-arg PORT=5000 --tag shop/auth-service .

FROM python:3.13-slim AS packages
ARG SERVICE
RUN python -m venv /opt/venv
COPY ${SERVICE}/requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/python -m pip install --quiet --no-cache-dir --require-hashes --requirement /tmp/requirements.txt \
    && /opt/venv/bin/python -m pip uninstall --quiet --yes pip

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
COPY chassis chassis
COPY ${SERVICE} ${SERVICE}
RUN PYTHONDONTWRITEBYTECODE= python -m compileall -q .
USER shop
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["python", "-ISc", "\
import http.client, os, sys; \
service = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); \
service.request('GET', '/livez'); \
sys.exit(service.getresponse().status != 200)"]
CMD exec python -m "$FLASK_APP"

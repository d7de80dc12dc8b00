# One image for web, workers and dispatcher; the command decides.
FROM node:20-bookworm-slim AS assets
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 stagegate
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
COPY --from=assets /build/node_modules node_modules
RUN STAGEGATE_SECRET_KEY=only-while-the-image-is-built-0123456789 STAGEGATE_DATA_DIR=/tmp/build python manage.py build_static \
    && rm -rf /tmp/build node_modules \
    && mkdir /data && chown stagegate /data
ENV STAGEGATE_DATA_DIR=/data STAGEGATE_BIND=0.0.0.0 PYTHONUNBUFFERED=1
USER stagegate
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--config", "python:config.gunicorn"]

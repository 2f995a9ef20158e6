# The image of all our own processes; docker-compose.yml says which one a container is.
FROM python:3.13-slim-bookworm

WORKDIR /app
COPY whetstone requirements.lock assets.lock ./
RUN ./whetstone install
COPY . .
RUN .venv/bin/python -m compileall -q app worker migrations && install -d -o 10001 -g 10001 /data /backups

# Two arenas, for glibc gives each of many threads one of its own, and keeps in each what its busiest moment took.
# Production, so that also a container that is started by hand begins neither without a secret nor without TLS.
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH WHETSTONE_ENV=production MALLOC_ARENA_MAX=2
USER 10001:10001
ENTRYPOINT ["python"]
CMD ["-m", "app.cli", "web", "--host", "0.0.0.0", "--port", "8000"]

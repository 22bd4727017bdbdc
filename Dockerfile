# Chat, API and workers in one image; the command says which: up, chat, api, worker, doctor.
FROM python:3.11.13-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_PROJECT_ENVIRONMENT=/opt/lightning UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /source
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-cache --no-default-groups --extra azure --extra postgres --no-install-project
COPY README.md LICENSE chainlit.md ./
COPY .chainlit .chainlit
COPY public public
COPY agents agents
COPY backend backend
COPY chat_app chat_app
RUN uv sync --frozen --no-cache --no-default-groups --extra azure --extra postgres --no-editable

FROM python:3.11.13-slim-bookworm
RUN useradd --uid 10001 --create-home lightning && install -d -o lightning -g lightning -m 700 /data
COPY --from=build /opt/lightning /opt/lightning
ENV PATH=/opt/lightning/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
WORKDIR /home/lightning
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=40s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/api/health')"]
ENTRYPOINT ["lightning"]
CMD ["up"]

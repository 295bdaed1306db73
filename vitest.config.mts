import path from "node:path";

import { defineConfig } from "vitest/config";

const root = import.meta.dirname ?? path.resolve(".");

/** Suites that load the addon: one file at a time, in processes, because each loads a model. */
const withAddon = { pool: "forks", fileParallelism: false, maxWorkers: 1 } as const;

export default defineConfig({
  // Tests import the package by its name, as users do, and get what was built.
  resolve: { alias: { medinfer: path.join(root, "dist", "index.mjs") } },
  test: {
    root,
    environment: "node",
    // What was built is loaded by Node itself, as users load it, not transformed.
    server: { deps: { external: [/[\\/]dist[\\/]/] } },
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        extends: true,
        test: {
          name: "engine",
          include: ["test/engine/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...withAddon,
        },
      },
      {
        extends: true,
        test: {
          name: "lifetime",
          include: ["test/lifetime/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          execArgv: ["--expose-gc"],
          ...withAddon,
        },
      },
      {
        extends: true,
        test: {
          name: "types",
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ["test/types/**/*.test-d.ts"],
            tsconfig: "tsconfig.check.json",
          },
        },
      },
      {
        extends: true,
        test: {
          name: "packages",
          include: ["packages/*/test/**/*.test.ts"],
          exclude: ["packages/*/test/clients/**"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...withAddon,
        },
      },
      {
        // Client libraries, which come from npm and PyPI when it runs: not in npm test, but in CI.
        extends: true,
        test: {
          name: "clients",
          include: ["packages/*/test/clients/**/*.test.ts"],
          testTimeout: 900_000,
          hookTimeout: 120_000,
          ...withAddon,
        },
      },
      {
        // Real weights from the registries: run when asked for (npm run test:models).
        extends: true,
        test: {
          name: "models",
          include: ["test/models/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
          ...withAddon,
        },
      },
      {
        extends: true,
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          testTimeout: 1_200_000,
          hookTimeout: 1_200_000,
          ...withAddon,
        },
      },
    ],
  },
});

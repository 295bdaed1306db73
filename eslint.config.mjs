import path from "node:path";

import tseslint from "typescript-eslint";

/**
 * Dependencies in lib/ run one way: cli, server, eval, annotate -> index -> engine -> binding.
 * Each entry: the files of one layer, and the modules that they must not reach up or past to.
 */
const layers = [
  {
    files: ["lib/binding.ts"],
    forbidden: ["**/engine*", "**/index*", "**/annotate/**", "**/eval/**", "**/server/**", "**/cli/**"],
    message: "binding.ts is the lowest layer: it knows the addon and nothing above it.",
  },
  {
    files: ["lib/{chat,sampling,images,options,generation,models,validation,plan}/**/*.ts"],
    forbidden: ["**/index*", "**/annotate/**", "**/eval/**", "**/server/**", "**/cli/**"],
    message: "What the engine is made of does not use the tools that are made of the engine.",
  },
  {
    files: ["lib/engine.ts", "lib/session.ts", "lib/dispatcher.ts"],
    forbidden: ["**/index*", "**/eval/**", "**/server/**", "**/cli/**"],
    message: "The engine knows nothing of the tools above it.",
  },
  {
    files: ["lib/{eval,server,cli}/**/*.ts"],
    forbidden: ["**/binding*", "**/engine*"],
    message: "Tools use the public surface, lib/index.ts.",
  },
];

export default tseslint.config(
  { ignores: ["native/llama.cpp/", "build/", "dist/", "out/", "prebuilds/", "models/", "web/"] },
  ...tseslint.configs.recommended,
  {
    files: ["lib/**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: path.join(import.meta.dirname, "tsconfig.json") },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // "auto" | string says more to a reader than string does.
      "@typescript-eslint/no-redundant-type-constituents": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    },
  },
  {
    files: ["**/*.{ts,mts,mjs,js}"],
    rules: {
      eqeqeq: "error",
      "no-console": "off",
      "prefer-const": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    },
  },
  {
    // The addon is found at run time, lib/ is compiled to CommonJS, and .cjs is CommonJS.
    files: ["lib/binding.ts", "lib/chat/jinja.ts", "**/*.cjs"],
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
  ...layers.map(({ files, forbidden, message }) => ({
    files,
    rules: {
      "no-restricted-imports": ["error", { patterns: [{ group: forbidden, message }] }],
    },
  })),
);

import tseslint from "typescript-eslint";

import { stayInside } from "./scripts/lib/stay-inside.mjs";

const reachTheAddon = [
  "lib/load.ts",
  "lib/native/devices.ts",
  "lib/inspect-sampling.ts",
  "lib/chat/builtin.ts",
  "lib/schema/grammar.ts",
  "lib/tools/turn-format.ts",
  "lib/models/embedded.ts",
];
const top = "(^|/)(engine|index)\\.js$";

/**
 * lib/ may run in another realm than the addon and its callers, as in Jest: `instanceof` is false there for what crosses the
 * border, and some of Node's globals are missing, replaced or faked. Its own classes are compared as they are.
 */
const realms = {
  instanceof: {
    selector:
      "BinaryExpression[operator='instanceof'][right.name=/^(Object|Function|Error|(Type|Range|Syntax)Error|Array|Map|Set|Date|RegExp|Promise|URL|(Shared)?ArrayBuffer|DataView|Buffer|Abort(Signal|Controller)|\\w+Array)$/]",
    message: "instanceof is false for values of another realm: use node:util's types, Array.isArray or lib/url.ts.",
  },
  globals: ["Buffer", "URL", "process", "setTimeout", "setImmediate", "setInterval", "performance"].map((name) => ({
    name,
    message: "Import it from Node's module: another realm may have none, or one of its own.",
  })),
};

/**
 * Dependencies in lib/ run one way: packages/* -> index -> engine -> what it is made of -> native/addon -> errors -> excerpt.
 * Each file is in one layer; types may be named anywhere, they leave nothing in the program.
 */
const layers = [
  {
    files: ["lib/excerpt.ts"],
    forbidden: "^\\.",
    message: "excerpt.ts stands alone: whatever has a message quotes with it.",
  },
  {
    files: ["lib/errors.ts"],
    forbidden: "^\\./(?!excerpt\\.js$)",
    message: "errors.ts knows how to quote and nothing else: every layer throws what it defines.",
  },
  {
    files: ["lib/native/addon.ts", "lib/package-root.ts"],
    forbidden: "^\\.\\.?/(?!(errors|excerpt|package-root)\\.js$)",
    message: "addon.ts is the lowest layer: it knows the addon, where the package lies, the errors and nothing else.",
  },
  {
    files: reachTheAddon,
    forbidden: top,
    message: "What the engine is made of does not use the engine.",
  },
  {
    files: ["lib/**/*.ts"],
    ignores: [
      "lib/excerpt.ts",
      "lib/errors.ts",
      "lib/native/addon.ts",
      "lib/package-root.ts",
      "lib/engine.ts",
      "lib/index.ts",
      ...reachTheAddon,
    ],
    forbidden: `${top}|(^|/)native/addon\\.js$`,
    message: "What the engine is made of uses neither the engine nor, past load.ts, the addon.",
  },
  {
    files: ["lib/engine.ts"],
    forbidden: "^\\./(index|native/addon)\\.js$",
    message: "The engine knows the addon through load.ts alone.",
  },
];

export default tseslint.config(
  { ignores: ["native/llama.cpp/", "build/", "dist/", "packages/*/dist/", "out/", "prebuilds/", "models/", "web/"] },
  ...tseslint.configs.recommended,
  {
    files: ["lib/**/*.ts", "packages/*/src/**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: ["tsconfig.json", "packages/*/tsconfig.json"], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // "auto" | string says more to a reader than string does.
      "@typescript-eslint/no-redundant-type-constituents": "off",
      // A name with an underscore is one that is left out of the rest.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    files: ["lib/**/*.ts"],
    rules: {
      "no-restricted-syntax": ["error", realms.instanceof],
      "no-restricted-globals": ["error", ...realms.globals],
    },
  },
  {
    files: ["lib/**/*.ts", "packages/*/**/*.{ts,js,mjs}"],
    plugins: { medinfer: { rules: { "stay-inside": stayInside } } },
    rules: { "medinfer/stay-inside": "error" },
  },
  {
    files: ["**/*.{ts,mts,mjs,js}"],
    rules: {
      eqeqeq: "error",
      "no-console": "off",
      "prefer-const": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    // The addon is found at run time, lib/ is compiled to CommonJS, and .cjs is CommonJS.
    files: ["lib/native/addon.ts", "lib/package-root.ts", "**/*.cjs"],
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
  ...layers.map(({ files, ignores = [], forbidden, message }) => ({
    files,
    ignores,
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        { patterns: [{ regex: forbidden, message, allowTypeImports: true }] },
      ],
    },
  })),
);

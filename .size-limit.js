// What users load, in one file. tests/bundles.test.ts holds the same budgets for bundles in chunks, which are a little larger.

/** As an ES module for browsers. */
const asModule = (config) => ({ ...config, format: "esm", target: "es2022" });

/** What is imported on demand stays out: this is what an app loads before it does anything. */
const atFirst = (config) => ({
  ...asModule(config),
  plugins: [
    {
      name: "at first",
      setup({ onResolve }) {
        onResolve({ filter: /.*/ }, ({ kind }) =>
          kind === "dynamic-import" ? { external: true } : undefined,
        );
      },
    },
  ],
});

export default [
  {
    name: "everything in core",
    path: "packages/core/dist/index.js",
    modifyEsbuildConfig: asModule,
    gzip: true,
    limit: "6 kB",
  },
  {
    name: "an app that opens NIfTI, at first",
    import: {
      "packages/backend-nifti/dist/index.js": "{ nifti }",
      "packages/image/dist/index.js": "{ openImage }",
    },
    modifyEsbuildConfig: atFirst,
    gzip: true,
    limit: "30 kB",
  },
];

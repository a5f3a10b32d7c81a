import { testBundle } from "../../../tests/support/stores/bundle.js";

testBundle<typeof import("@lazyimg/transport-gcs")>({
  folder: import.meta.dirname,
  name: "@lazyimg/transport-gcs",
  open: ({ gcs }, fetch) =>
    gcs("gs://scans/scan.nii", {
      readerOptions: { gcs: { credentials: async () => ({ token: "ya29.x" }) } },
      fetch,
    }),
  url: "https://storage.googleapis.com/scans/scan.nii",
  authorization: /^Bearer ya29\.x$/,
  writing: "uploadType",
  words: /googleapis|Bearer|uploadType/,
});

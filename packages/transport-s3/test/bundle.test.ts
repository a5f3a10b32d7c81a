import { testBundle } from "../../../tests/support/stores/bundle.js";

testBundle<typeof import("@lazyimg/transport-s3")>({
  folder: import.meta.dirname,
  name: "@lazyimg/transport-s3",
  open: ({ s3 }, fetch) =>
    s3("s3://bucket/scan.nii", {
      readerOptions: { s3: { credentials: { accessKeyId: "KEY", secretAccessKey: "secret" } } },
      fetch,
    }),
  url: "https://bucket.s3.us-east-1.amazonaws.com/scan.nii",
  authorization: /^AWS4-HMAC-SHA256 Credential=KEY\/\d{8}\/us-east-1\/s3\//,
  writing: "uploadId",
  words: /AWS4|amazonaws|uploadId/,
});

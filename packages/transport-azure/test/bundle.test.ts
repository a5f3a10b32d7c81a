import { testBundle } from "../../../tests/support/stores/bundle.js";

testBundle<typeof import("@lazyimg/transport-azure")>({
  folder: import.meta.dirname,
  name: "@lazyimg/transport-azure",
  open: ({ azure }, fetch) =>
    azure("az://scans/scan.nii", {
      readerOptions: { azure: { account: "mine", credentials: { accountKey: btoa("secret") } } },
      fetch,
    }),
  url: "https://mine.blob.core.windows.net/scans/scan.nii",
  authorization: /^SharedKey mine:[\w+/]{43}=$/,
  writing: "blocklist",
  words: /SharedKey|windows\.net|blocklist/,
});

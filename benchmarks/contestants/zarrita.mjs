// zarrita's own `get`, from a URL.
const peer = (name) => import(`../peers/zarrita/node_modules/${name}`);

export async function zarrita({ path }) {
  const { FetchStore, get, open, slice } = await peer("zarrita/dist/src/index.js");
  const array = await open.v3(new FetchStore(`${path}/0`), { kind: "array" });
  return {
    async read([, ...spatial]) {
      // (K, J, I), as NIfTI-Zarr has it.
      const selection = spatial.reverse().map((item) => (Array.isArray(item) ? slice(...item) : item));
      return (await get(array, selection)).data;
    },
    close() {},
  };
}

// Why a peer is ahead: what is known of section, kind of number, peer and works. The first that fits is shown.

const any = /(?:)/;

export const reasons = [
  {
    of: [/Ten thousand/, /memory/, any, any],
    why:
      "An open image is 10 kB of objects after a collection, which are more fields and a longer-lived description than nibabel's; " +
      "the rest is garbage that V8 had no reason to collect yet.",
  },
  {
    of: [/Ten thousand/, /time/, any, any],
    why:
      "One image after the other, each is several asynchronous file operations in a row, which go by way of Node's thread pool: the price " +
      "of not holding up the program, and half of a profile is waiting for it (7 % is parsing headers). Opened together, they share it.",
  },
  {
    of: [/HTTP/, /memory/, any, any],
    why:
      "An idle Node takes 45 MiB and its `fetch` 10 more, Python with numpy and nibabel 40; the first answers have V8 compile the " +
      "platform's own HTTP parser, which takes 20 MiB once. Of 210 MB that are streamed, 14 MiB are taken besides, some 8 of them " +
      "buffers of `fetch` that were not collected yet.",
  },
  {
    of: [any, /memory/, /nibabel|zarr|TorchIO/, any],
    why: "Mostly the runtimes: an idle Node takes 45 MiB, Python with numpy and nibabel 40; each worker thread of ours takes more.",
  },
  {
    of: [/NIfTI on disk/, /time/, any, /everything|a series/],
    why:
      "Fresh memory: the pages of an output of 210 MB take 140 to 190 ms of processor time, spread over threads, and numpy gets by with " +
      "less, because it asks for huge pages, which Node cannot. The limit pays the same.",
  },
  {
    of: [/NIfTI on disk|Growth/, /time/, /memory map|TorchIO/, any],
    why:
      "Node has no memory map. Reads that do not hold up the program go by way of its thread pool, some 15 microseconds each, " +
      "where a page that is mapped costs less than one: compare the limit, which is the best that can be written with them. Of a " +
      "profile of voxels through time, 61 % is handing reads to the pool, 8 % our own code.",
  },
  {
    of: [/NIfTI on disk|Growth/, /time/, /^nibabel$/, any],
    why:
      "Hundreds of reads of a few bytes: Python's are system calls on its only thread, some 7 microseconds each. In Node these would " +
      "hold up everything else for as long as a disk needs; ours are asynchronous, see the limit: strace counts 1.3 calls of futex, " +
      "to wake a thread, for each read, and they take 70 % of the time of all system calls.",
  },
  {
    of: [/HTTP/, /time/, /nibabel \+ fsspec/, /everything/],
    why:
      "All 210 MB through Node's `fetch`, which hands each 64 KiB on by several promises and copies them: the limit, by the same `fetch`, " +
      "takes as long as nibabel.",
  },
  {
    of: [/HTTP/, /time/, /nibabel \+ fsspec/, any],
    why:
      "It reads ahead 5 MiB at a time and so downloads all of the file, 98 MiB for 600 bytes, which costs little on a loopback; we make " +
      "hundreds of requests of what is needed, each of which takes a millisecond of processor time: of a profile, undici, its streams " +
      "and their events are more than half, ours 5 %. At 100 Mbit/s those bytes alone would take 8 s.",
  },
  {
    of: [/Zarr over HTTP/, /time/, any, /(axial|coronal|sagittal|block|every).*, 0 ms/],
    why:
      "Node's `fetch`: the same 64 chunks by it alone, with nothing decoded, take 117 ms of processor time (by node:http less), of which " +
      "ours with opening, decoding and copying takes 150. Of a profile, WebAssembly is 3 %.",
  },
  {
    of: [/Zarr over HTTP/, any, /zarr-python|zarrita/, any],
    why:
      "They are told which array to open and read its metadata, where we find out the version, the levels, the affine and the NIfTI " +
      "header: five requests, in the same one round trip. Of 8 ms of processor time, 5 are what `fetch` takes for these five; 9 % of a " +
      "profile is our own code. nifti-zarr, which finds out the same, takes longer.",
  },
  {
    of: [/gzip/, /bytes/, any, any],
    why: "We read some MiB ahead of what is being inflated, so that two threads have work; they stop at the end of the region.",
  },
  {
    of: [/Zarr on disk/, /time/, any, /one volume|64-cubed/],
    why:
      "A millisecond for a chunk: of a profile of one volume, 38 % is opening and reading the file, 27 % decoding in WebAssembly, and most " +
      "of the rest copying what was decoded into fresh memory, by way of a slab; numcodecs decodes in C.",
  },
];

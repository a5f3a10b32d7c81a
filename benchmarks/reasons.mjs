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
      "of not holding up the program. Opened together, they share it.",
  },
  {
    of: [any, /memory/, /nibabel|zarr|TorchIO/, any],
    why: "Mostly the runtimes: an idle Node takes 45 MiB, Python with numpy and nibabel 40; each worker thread of ours takes more.",
  },
  {
    of: [/NIfTI on disk/, /time/, any, /axial|one volume/],
    why:
      "A part of a millisecond that goes into fresh pages: in three of six processes of ours glibc gave the memory of collected slices " +
      "back to the system and asked for it again, 65 to 85 page faults an axial slice; in the other three, and in all of the limit's, it " +
      "had it at hand, at most 21. Without them ours took 0.9 to 1.3 of what the limit takes.",
  },
  {
    of: [/NIfTI on disk|Growth/, /time/, /memory map|TorchIO/, any],
    why:
      "Node has no memory map. Reads that do not hold up the program go by way of its thread pool, some 15 microseconds each, " +
      "where a page that is mapped costs less than one: compare the limit, which is the best that can be written with them.",
  },
  {
    of: [/NIfTI on disk|Growth/, /time/, /^nibabel$/, any],
    why:
      "Hundreds of reads of a few bytes: Python's are system calls on its only thread, some 7 microseconds each. In Node these would " +
      "hold up everything else for as long as a disk needs; ours are asynchronous, see the limit.",
  },
  {
    of: [/HTTP/, /time/, /nibabel \+ fsspec/, any],
    why:
      "It reads ahead 5 MiB at a time and so downloads all of the file, 98 MiB for 600 bytes, which costs little on a loopback; we make " +
      "hundreds of requests of what is needed, and each costs half a millisecond of processor time, mostly in Node's `fetch`: see the " +
      "limit. At 100 Mbit/s those bytes alone would take 8 s.",
  },
  {
    of: [/HTTP/, /time|bytes/, /zarr-python|zarrita/, any],
    why:
      "They are told which array to open and read nothing else, where we find out the version, the levels, the affine and the NIfTI " +
      "header, in several round trips; nifti-zarr, which also does, takes longer.",
  },
  {
    of: [/gzip/, /bytes/, any, any],
    why: "We read some MiB ahead of what is being inflated, so that two threads have work; they stop at the end of the region.",
  },
  {
    of: [/^Zarr/, /time/, any, any],
    why:
      "Less than a millisecond: one chunk goes from Node's file pool to WebAssembly and back, where numcodecs reads and decodes it in C, " +
      "on one thread.",
  },
];

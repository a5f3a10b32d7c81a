// What `benchmarks/nifti.mjs` compares a header with: Node, and nothing else.

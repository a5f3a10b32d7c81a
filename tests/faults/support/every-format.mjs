// lazyimg with every backend that it does not bring.
import "@lazyimg/backend-metaimage";
import "@lazyimg/backend-mgh";
import "@lazyimg/backend-mif";
import "@lazyimg/backend-npy";
import "@lazyimg/backend-nrrd";

export * from "lazyimg";

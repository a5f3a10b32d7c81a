export * from "lazyimg";

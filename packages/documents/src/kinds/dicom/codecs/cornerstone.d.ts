/** The decoders of @cornerstonejs's codecs in WebAssembly: these packages have no types of their own. */
declare module "@cornerstonejs/codec-charls/decodewasmjs" {
  const factory: import("./wasm-codec.js").ModuleFactory;
  export = factory;
}
declare module "@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs" {
  const factory: import("./wasm-codec.js").ModuleFactory;
  export = factory;
}
declare module "@cornerstonejs/codec-openjpeg/decodewasmjs" {
  const factory: import("./wasm-codec.js").ModuleFactory;
  export = factory;
}
declare module "@cornerstonejs/codec-openjph/wasmjs" {
  const factory: import("./wasm-codec.js").ModuleFactory;
  export = factory;
}

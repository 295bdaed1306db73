// Stands where libggml-cuda.so does, for what is checked before it is used: it was built with CUDA 13.0, and is no
// backend.
extern "C" int cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return 0;
}

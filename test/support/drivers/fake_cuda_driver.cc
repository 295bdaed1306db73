// A libcuda.so.1 that answers as MEDINFER_FAKE_CUDA says: "init=999 version=12040 count=2 capability=89 enter=46". What
// is left out is that of one idle GPU of compute capability 9.0 under a driver for CUDA 13.0.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int Answer(const char* name, int otherwise) {
  const char* answers = std::getenv("MEDINFER_FAKE_CUDA");
  const std::string key = std::string(name) + "=";
  const char* found = answers == nullptr ? nullptr : std::strstr(answers, key.c_str());
  return found == nullptr ? otherwise : std::atoi(found + key.size());
}

}  // namespace

extern "C" {

int cuInit(unsigned int /*flags*/) { return Answer("init", 0); }

int cuDriverGetVersion(int* version) {
  *version = Answer("version", 13000);
  return 0;
}

int cuDeviceGetCount(int* count) {
  *count = Answer("count", 1);
  return Answer("init", 0);
}

int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int /*device*/) {
  const int capability = Answer("capability", 90);
  *value = attribute == 75 ? capability / 10 : capability % 10;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
  return 0;
}

int cuDeviceGetPCIBusId(char* id, int length, int device) {
  std::snprintf(id, static_cast<std::size_t>(length), "0000:C%d:00.0", device);
  return 0;
}

int cuDeviceTotalMem_v2(std::size_t* bytes, int /*device*/) {
  *bytes = std::size_t{80} << 30U;
  return 0;
}

int cuGetErrorName(int error, const char** name) {
  *name = error == 803 ? "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" : nullptr;
  return *name == nullptr ? 1 : 0;
}

int cuDevicePrimaryCtxRetain(void** context, int device) {
  static int held = 0;
  *context = &held;
  return device == 0 ? Answer("enter", 0) : 0;
}

}  // extern "C"

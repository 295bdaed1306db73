#include "device/cpu_share.h"

#include <algorithm>

namespace medinfer {

std::uint32_t CpuShare::half() const { return std::max(1U, cores_ / 2); }

std::uint32_t CpuShare::ForEncoding() {
  encoding_ = true;
  return decoding_ ? half() : cores_;
}

std::uint32_t CpuShare::ForDecoding(std::uint32_t wanted) const {
  return encoding_ ? std::min(wanted, std::max(1U, cores_ - half())) : wanted;
}

}  // namespace medinfer

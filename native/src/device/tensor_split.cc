#include "device/tensor_split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace medinfer {

double LargestPart(const std::vector<float>& shares, std::size_t i, std::int64_t units) {
  const std::size_t n = shares.size();
  const double all = std::accumulate(shares.begin(), shares.end(), 0.0);
  double largest = 0;
  for (std::size_t rotation = 0; rotation < n; ++rotation) {
    double before = 0;  // shares of the devices before this one, in this layer's order
    std::size_t place = 0;
    while ((place + rotation) % n != i) before += shares[(place++ + rotation) % n];
    const auto end_of = [&](double sum) { return std::floor(static_cast<double>(units) * sum / all); };
    const double end = place == n - 1 ? static_cast<double>(units) : end_of(before + shares[i]);
    largest = std::max(largest, end - end_of(before));
  }
  return largest / static_cast<double>(units);
}

}  // namespace medinfer

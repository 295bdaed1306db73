#include "base/pacer.h"

#include <thread>
#include <utility>

namespace medinfer {
namespace {

// Reading the clock takes longer than what lies between two points.
constexpr std::uint32_t kPointsPerReading = 16;

thread_local Pacer* current = nullptr;

}  // namespace

Pacer::Pacer() : Pacer(std::chrono::steady_clock::now, [](Duration rest) { std::this_thread::sleep_for(rest); }) {}

Pacer::Pacer(std::function<Time()> now, std::function<void(Duration)> sleep)
    : now_(std::move(now)), sleep_(std::move(sleep)) {}

Pacer::Scope::Scope(Pacer* pacer) { current = pacer; }
Pacer::Scope::~Scope() { current = nullptr; }

void Pacer::Pass() {
  if (++points_ < kPointsPerReading) return;
  points_ = 0;
  if (!pressing_.load(std::memory_order_relaxed)) return;
  // A piece that began before all this was pressing, or in another task, is over at once.
  if (now_() - piece_began_ < kPiece) return;
  sleep_(kRest);
  piece_began_ = now_();
}

void YieldPoint() {
  if (current != nullptr) current->Pass();
}

}  // namespace medinfer

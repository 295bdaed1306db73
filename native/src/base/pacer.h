// Work of a thread in short pieces with rests between them, for as long as others' work is pressing.
//
// Beside as many compute threads as there are cores, a thread takes the core of one of them for a whole time slice (4
// ms on Linux with 250 ticks a second), and all others wait at the next barrier. A lower priority makes such slices
// rarer, no shorter; and a core counts as busy whatever the priority of what runs there, so that the kernel puts two
// compute threads on one core beside it. A thread that sleeps after a fraction of a slice does neither.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace medinfer {

class Pacer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // Measured with `npm run bench -- inter-token`: every rest costs a change of threads, longer pieces show in single
  // gaps between tokens, and longer rests in the time to the first token.
  static constexpr std::chrono::microseconds kPiece{500};
  static constexpr std::chrono::microseconds kRest{2000};

  Pacer();
  // With another clock and another sleep, for tests.
  Pacer(std::function<Time()> now, std::function<void(Duration)> sleep);
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // Any thread: whether work rests from its next yield point on. Not so at first.
  void SetPressing(bool pressing) { pressing_.store(pressing, std::memory_order_relaxed); }

  // The current thread's work is paced while this lives. Scopes of one thread do not overlap.
  class Scope {
   public:
    // `pacer` outlives the scope; null: not paced.
    explicit Scope(Pacer* pacer);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
  };

 private:
  friend void YieldPoint();
  void Pass();

  const std::function<Time()> now_;
  const std::function<void(Duration)> sleep_;
  std::atomic<bool> pressing_{false};
  std::uint32_t points_ = 0;  // since the clock was read
  Time piece_began_{};
};

// A place in long work where the current thread may rest. Costs some nanoseconds, on threads without a pacer too.
void YieldPoint();

}  // namespace medinfer

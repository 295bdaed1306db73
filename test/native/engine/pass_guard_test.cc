#include "engine/pass_guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

namespace medinfer {
namespace {

TEST(PassGuard, AbortsForNobodysPassOnlyWhenTheInboxIsClosed) {
  Inbox<Command> inbox;
  PassGuard guard{&inbox, {}};
  EXPECT_FALSE(guard.ShouldAbort());
  const auto a = std::make_shared<std::atomic<bool>>(true);
  const auto b = std::make_shared<std::atomic<bool>>(false);
  guard.pass = {a, b};
  EXPECT_FALSE(guard.ShouldAbort());
  b->store(true);
  EXPECT_TRUE(guard.ShouldAbort());
  guard.pass.clear();
  EXPECT_FALSE(guard.ShouldAbort());
  inbox.Close();
  EXPECT_TRUE(guard.ShouldAbort());
}

}  // namespace
}  // namespace medinfer

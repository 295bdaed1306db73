#include "engine/outbox.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

// What arrived, a line per event and "|" after each delivery.
class Lines final : public EventSink {
 public:
  void OnEvents(std::vector<Event> events) override {
    for (const Event& event : events) {
      const std::string id = std::to_string(event.id);
      if (const auto* encoded = std::get_if<Encoded>(&event.body)) {
        seen.push_back(id + " encoded " + std::to_string(encoded->images));
      } else if (const auto* prefill = std::get_if<Prefill>(&event.body)) {
        seen.push_back(id + " prefill " + std::to_string(prefill->done));
      } else if (const auto* text = std::get_if<Text>(&event.body)) {
        seen.push_back(id + " text " + text->text);
      } else {
        seen.push_back(id + " end");
      }
    }
    seen.emplace_back("|");
  }

  std::vector<std::string> Take() { return std::exchange(seen, {}); }

  std::vector<std::string> seen;
};

using Seen = std::vector<std::string>;

struct OutboxTest : ::testing::Test {
  OutboxTest() {
    a.id = 1;
    b.id = 2;
    a.streamed = b.streamed = true;
  }

  Lines sink;
  Outbox outbox{sink};
  UnsentEvents a;
  UnsentEvents b;
};

TEST_F(OutboxTest, JoinsWhatARequestEmitsBetweenTwoDeliveries) {
  outbox.Emit(a, Encoded{2, 0});
  outbox.Emit(a, Prefill{4, 9});
  outbox.Emit(a, Prefill{9, 9});
  outbox.EmitText(a, "He");
  outbox.EmitText(b, "other");
  outbox.EmitText(a, "llo");
  outbox.Deliver(/*idle=*/true);
  EXPECT_EQ(sink.Take(), (Seen{"1 encoded 2", "1 prefill 9", "1 text Hello", "2 text other", "|"}));
  outbox.Deliver(/*idle=*/true);
  EXPECT_EQ(sink.Take(), Seen{});
}

TEST_F(OutboxTest, SendsFirstWordsAndEndsAtOnceAndLetsTheRestWait) {
  outbox.EmitText(a, "first");
  outbox.Deliver(/*idle=*/false);
  EXPECT_EQ(sink.Take(), (Seen{"1 text first", "|"}));
  outbox.EmitText(a, "second");
  outbox.Deliver(/*idle=*/false);
  EXPECT_EQ(sink.Take(), Seen{});
  outbox.End(b, {2, Done{}});
  outbox.Deliver(/*idle=*/false);
  EXPECT_EQ(sink.Take(), (Seen{"2 end", "1 text second", "|"}));
}

TEST_F(OutboxTest, KeepsBackWhatIsNotFollowedUntilTheEnd) {
  a.streamed = false;
  outbox.Emit(a, Prefill{9, 9});
  outbox.EmitText(a, "Hel");
  outbox.EmitText(a, "lo");
  outbox.Deliver(/*idle=*/true);
  EXPECT_EQ(sink.Take(), Seen{});
  outbox.End(a, {1, Done{}});
  outbox.Deliver(/*idle=*/false);
  EXPECT_EQ(sink.Take(), (Seen{"1 prefill 9", "1 text Hello", "1 end", "|"}));
}

TEST_F(OutboxTest, SendsALateFollowerAllThatCameBefore) {
  a.streamed = false;
  outbox.EmitText(a, "before ");
  outbox.Stream(a);
  outbox.Stream(a);
  outbox.EmitText(a, "after");
  outbox.Deliver(/*idle=*/false);
  EXPECT_EQ(sink.Take(), (Seen{"1 text before after", "|"}));
}

TEST_F(OutboxTest, ForgetsASequenceThatHasEnded) {
  {
    UnsentEvents gone;
    gone.id = 3;
    gone.streamed = true;
    outbox.EmitText(gone, "last words");
    outbox.End(gone, {3, Failed{{Code::kAborted, ""}}});
  }
  outbox.Deliver(/*idle=*/false);
  EXPECT_EQ(sink.Take(), (Seen{"3 text last words", "3 end", "|"}));
}

}  // namespace
}  // namespace medinfer

#include "scheduling/step_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace medinfer {
namespace {

std::uint32_t Sum(const std::vector<PlanItem>& items) {
  return std::accumulate(items.begin(), items.end(), 0U,
                         [](std::uint32_t n, const PlanItem& i) { return n + i.n_tokens; });
}

TEST(Scheduler, DecodesFirstThenFillsTheBudgetWithPrompts) {
  const Plan plan = PlanStep({{0, NextInput::kText, 400}, {1, NextInput::kDecode, 1}, {2, NextInput::kText, 400}}, 512);
  EXPECT_EQ(plan.text, (std::vector<PlanItem>{{1, 1}, {0, 400}, {2, 111}}));
  EXPECT_TRUE(plan.media.empty());
}

TEST(Scheduler, APromptAdvancesEvenWhereDecodingUsesTheWholeBudget) {
  const Plan plan = PlanStep({{0, NextInput::kDecode, 1}, {1, NextInput::kDecode, 1}, {2, NextInput::kText, 9}}, 2);
  EXPECT_EQ(plan.text, (std::vector<PlanItem>{{0, 1}, {1, 1}, {2, 1}}));
}

TEST(Scheduler, DraftsTakeWhatDrawnTokensLeaveOfBudgetAndRows) {
  const std::vector<SequenceView> sequences{{0, NextInput::kDecode, 5}, {1, NextInput::kDecode, 9}};
  EXPECT_EQ(PlanStep(sequences, 512).text, (std::vector<PlanItem>{{0, 5}, {1, 9}}));
  EXPECT_EQ(PlanStep(sequences, 512, 6).text, (std::vector<PlanItem>{{0, 5}, {1, 3}}));
  // One token of the budget stays for a prompt.
  EXPECT_EQ(PlanStep(sequences, 8).text, (std::vector<PlanItem>{{0, 5}, {1, 2}}));
  EXPECT_EQ(PlanStep(sequences, 1).text, (std::vector<PlanItem>{{0, 1}, {1, 1}}));
  EXPECT_EQ(PlanStep({{0, NextInput::kText, 400}, {1, NextInput::kDecode, 3}}, 12).text,
            (std::vector<PlanItem>{{1, 3}, {0, 9}}));
}

TEST(Scheduler, NoDraftTakesTheRowsOfAPromptThatWantsThem) {
  EXPECT_EQ(PlanStep({{0, NextInput::kDecode, 5}, {1, NextInput::kText, 90, true}}, 512, 64).text,
            (std::vector<PlanItem>{{0, 1}, {1, 64}}));
}

TEST(Scheduler, SharesOneMediaPassBetweenSequences) {
  const Plan plan =
      PlanStep({{0, NextInput::kMedia, 196}, {1, NextInput::kMedia, 196}, {2, NextInput::kMedia, 196}}, 512);
  EXPECT_EQ(plan.media, (std::vector<PlanItem>{{0, 196}, {1, 196}, {2, 120}}));
}

TEST(Scheduler, FillsAPassWithWholeTexts) {
  const Plan plan = PlanStep({{0, NextInput::kWholeText, 60},
                              {1, NextInput::kWholeText, 50},
                              {2, NextInput::kWholeText, 30},
                              {3, NextInput::kWholeText, 11},
                              {4, NextInput::kWholeText, 10}},
                             100);
  EXPECT_EQ(plan.text, (std::vector<PlanItem>{{0, 60}, {2, 30}, {4, 10}}));
}

TEST(Scheduler, AWholeTextThatIsLongerThanTheBudgetGoesAlone) {
  EXPECT_EQ(PlanStep({{0, NextInput::kWholeText, 300}, {1, NextInput::kWholeText, 1}}, 100).text,
            (std::vector<PlanItem>{{0, 300}}));
  EXPECT_EQ(PlanStep({{0, NextInput::kWholeText, 9}, {1, NextInput::kWholeText, 300}}, 100).text,
            (std::vector<PlanItem>{{0, 9}}));
}

TEST(Scheduler, AWholeImageIsDecodedAlone) {
  EXPECT_EQ(
      PlanStep({{0, NextInput::kWholeMedia, 256}, {1, NextInput::kMedia, 9}, {2, NextInput::kWholeMedia, 256}}, 100)
          .media,
      (std::vector<PlanItem>{{0, 256}}));
  EXPECT_EQ(PlanStep({{0, NextInput::kMedia, 9}, {1, NextInput::kWholeMedia, 256}}, 100).media,
            (std::vector<PlanItem>{{0, 9}}));
}

TEST(Scheduler, KeepsItsPromisesOnRandomSequences) {
  std::mt19937 random(7);
  const auto pick = [&](std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  };
  for (int round = 0; round < 20000; ++round) {
    const std::uint32_t budget = pick(1, 64);
    std::vector<SequenceView> views;
    for (std::uint32_t i = pick(0, 12); i > 0; --i) {
      const auto next = static_cast<NextInput>(pick(0, 4));
      views.push_back({i, next, next == NextInput::kDecode ? pick(0, 6) : pick(0, 100)});
    }
    const Plan plan = PlanStep(views, budget);
    const bool work = std::any_of(views.begin(), views.end(), [](const SequenceView& v) { return v.available > 0; });
    ASSERT_EQ(plan.empty(), !work);

    std::uint32_t decoding = 0;
    for (const SequenceView& view : views) {
      const auto is_view = [&](const PlanItem& item) { return item.index == view.index; };
      const auto in_text = std::count_if(plan.text.begin(), plan.text.end(), is_view);
      const auto in_media = std::count_if(plan.media.begin(), plan.media.end(), is_view);
      ASSERT_LE(in_text + in_media, 1);
      if (view.next == NextInput::kDecode && view.available > 0) {
        ++decoding;
        ASSERT_EQ(in_text, 1);
      }
      for (const auto* items : {&plan.text, &plan.media}) {
        const auto item = std::find_if(items->begin(), items->end(), is_view);
        if (item == items->end()) continue;
        ASSERT_GT(item->n_tokens, 0U);
        ASSERT_LE(item->n_tokens, view.available);
        ASSERT_EQ(items == &plan.text, view.next != NextInput::kMedia && view.next != NextInput::kWholeMedia);
        if (view.next == NextInput::kWholeText) {
          ASSERT_EQ(item->n_tokens, view.available);
        }
        if (view.next == NextInput::kWholeMedia) {
          ASSERT_EQ(item->n_tokens, view.available);
          ASSERT_EQ(items->size(), 1U);
        }
      }
    }
    const bool long_text = plan.text.size() == 1 && plan.text.front().n_tokens > budget;
    if (!long_text) {
      ASSERT_LE(Sum(plan.text), std::max(budget, decoding + 1));
    }
    const bool whole = !plan.media.empty() && plan.media.size() == 1 && Sum(plan.media) > budget;
    if (!whole) {
      ASSERT_LE(Sum(plan.media), budget);
    }
  }
}

TEST(StepPlan, TextWithAllItsLogitsHasAShareOfItsOwn) {
  const Plan plan = PlanStep({{0, NextInput::kText, 400, true},
                              {1, NextInput::kText, 20, false},
                              {2, NextInput::kText, 30, true},
                              {3, NextInput::kDecode, 1, false}},
                             512, 50);
  EXPECT_EQ(plan.text, (std::vector<PlanItem>{{3, 1}, {0, 50}, {1, 20}}));
  const Plan two = PlanStep({{0, NextInput::kText, 30, true}, {1, NextInput::kText, 30, true}}, 512, 50);
  EXPECT_EQ(two.text, (std::vector<PlanItem>{{0, 30}, {1, 20}}));
  const Plan budget = PlanStep({{0, NextInput::kText, 30, true}, {1, NextInput::kText, 30, true}}, 8, 50);
  EXPECT_EQ(budget.text, (std::vector<PlanItem>{{0, 8}}));
}

}  // namespace
}  // namespace medinfer

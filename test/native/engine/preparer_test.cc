// The preparing thread with a real vocabulary. What it is compared with: the tokenizer, a grammar and a generation that
// the test makes by itself.
#include "engine/preparer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/encode_jobs.h"
#include "support/engine_parts.h"
#include "support/vision_models.h"

namespace medinfer::testing {
namespace {

constexpr std::uint32_t kContext = 40;
constexpr std::uint32_t kUbatch = 512;

CancelFlag Flag(bool set = false) { return std::make_shared<std::atomic<bool>>(set); }

Preparer::Job MakePrepareJob(RequestId id, Request request) {
  Preparer::Job job{id, std::move(request), {}, false};
  for (std::uint32_t i = 0; i < job.request.n; ++i) job.cancelled.push_back(Flag());
  return job;
}

std::string Repeat(const std::string& word, int times) {
  std::string text;
  for (; times > 0; --times) text += word;
  return text;
}

struct PreparerTest : ::testing::Test {
  // All answers to what was asked so far, in the order in which they came. The thread is idle then.
  std::vector<PreparedCommand> Answers() {
    std::promise<void> reached;
    thread.Push([&] { reached.set_value(); });
    reached.get_future().wait();
    std::vector<PreparedCommand> answers;
    for (Command& command : parts.inbox.Drain(/*wait=*/false)) {
      answers.push_back(std::move(std::get<PreparedCommand>(command)));
    }
    return answers;
  }

  // The answer to one request; ends the test where there is none, or are more.
  PreparedCommand Prepare(Request request) {
    preparer.Prepare(MakePrepareJob(1, std::move(request)));
    std::vector<PreparedCommand> answers = Answers();
    if (answers.size() != 1) throw std::runtime_error(std::to_string(answers.size()) + " answers to one request");
    EXPECT_EQ(answers[0].id, 1U);
    return std::move(answers[0]);
  }

  Status Refused(Request request) {
    const PreparedCommand answer = Prepare(std::move(request));
    EXPECT_FALSE(answer.prompt.ok());
    EXPECT_TRUE(answer.generations.empty());
    return answer.prompt.ok() ? Status() : answer.prompt.status();
  }

  EngineParts parts;
  TaskThread thread;
  Preparer preparer{parts.model(), nullptr, {kContext, kUbatch}, thread, parts.inbox};
};

TEST_F(PreparerTest, ReadsTheTokensOfTheModelsTokenizer) {
  const PromptTokenizer& tokenizer = parts.model().tokenizer();
  for (const std::string text : {"the", "the dose of the patient", "ünïcödé 漢字 🙂", "a </s> b", "\n\n  two"}) {
    for (const bool parse_special : {false, true}) {
      for (const bool add_special : {false, true}) {
        Request request = GreedyRequest(text, 5);
        request.prompt[0].parse_special = parse_special;
        request.prompt.push_back({" and", !parse_special, nullptr});
        request.add_special = add_special;
        std::vector<std::int32_t> tokens =
            tokenizer.Tokenize({{text, parse_special}, {" and", !parse_special}}).value();
        if (add_special) tokenizer.AddBos(tokens);
        const PreparedCommand answer = Prepare(std::move(request));
        ASSERT_TRUE(answer.prompt.ok()) << answer.prompt.status().message();
        const PreparedPrompt& prompt = answer.prompt.value();
        ASSERT_EQ(prompt.chunks.size(), 1U);
        EXPECT_EQ(std::get<TextChunk>(prompt.chunks[0]), tokens) << text;
        EXPECT_EQ(prompt.n_tokens, tokens.size());
        EXPECT_EQ(prompt.n_images, 0U);
        EXPECT_EQ(prompt.n_media_tokens, 0U);
      }
    }
  }
}

// Draws `n` tokens from logits that are all alike.
std::vector<std::int32_t> DrawFlat(Generation& generation, std::size_t n_vocab, int n) {
  std::vector<std::int32_t> drawn;
  for (; n > 0; --n) {
    std::vector<float> logits(n_vocab, 0.0F);
    const std::int32_t token = generation.Draw(logits).token;
    drawn.push_back(token);
    if (token < 0) break;
    static_cast<void>(generation.Accept(token));
  }
  return drawn;
}

TEST_F(PreparerTest, GivesEachCompletionAGenerationWithItsOwnSeed) {
  Request request = GreedyRequest("the dose", 5);
  request.sampling.temperature = 1;
  request.sampling.top_k = 0;
  request.sampling.seed = 11;
  request.n = 4;
  const PreparedCommand answer = Prepare(request);
  ASSERT_EQ(answer.generations.size(), 4U);
  std::vector<std::vector<std::int32_t>> all;
  for (std::uint32_t i = 0; i < 4; ++i) {
    Generation expected(parts.model().vocab(), request, request.sampling.seed + i, nullptr, kContext);
    expected.AcceptPrompt(answer.prompt.value());
    all.push_back(DrawFlat(expected, parts.info().n_vocab, 20));
    EXPECT_EQ(DrawFlat(*answer.generations[i], parts.info().n_vocab, 20), all.back()) << "completion " << i;
  }
  EXPECT_NE(all[0], all[1]);
}

TEST_F(PreparerTest, EnterThePromptIntoThePenaltiesOfEveryCompletion) {
  Request request = GreedyRequest("the dose of the patient", 5);
  request.sampling.presence_penalty = 2;
  request.n = 2;
  const PreparedCommand answer = Prepare(request);
  ASSERT_EQ(answer.generations.size(), 2U);
  const auto& tokens = std::get<TextChunk>(answer.prompt.value().chunks[0]);
  for (const std::unique_ptr<Generation>& generation : answer.generations) {
    // The prompt's last token is the likeliest by less than the penalty.
    std::vector<float> logits(parts.info().n_vocab, 0.0F);
    const auto read = static_cast<std::size_t>(tokens.back());
    const std::size_t unread = parts.info().n_vocab - 1;
    ASSERT_EQ(std::ranges::count(tokens, static_cast<std::int32_t>(unread)), 0);
    logits[read] = 6;
    logits[unread] = 5;
    EXPECT_EQ(generation->Draw(logits).token, static_cast<std::int32_t>(unread));
  }
}

TEST_F(PreparerTest, GivesEachCompletionAGrammarThatItFollowsByItself) {
  Request request = GreedyRequest("the", 5);
  request.grammar = R"(root ::= "yes" | "no")";
  request.n = 3;
  const PreparedCommand answer = Prepare(request);
  ASSERT_EQ(answer.generations.size(), 3U);
  // Had they one grammar together, the second would find it complete.
  for (const std::unique_ptr<Generation>& generation : answer.generations) {
    EXPECT_FALSE(generation->complete());
    DrawFlat(*generation, parts.info().n_vocab, 10);
    EXPECT_TRUE(generation->complete());
  }
}

TEST_F(PreparerTest, LimitsTheAnswerToTheRequestsContext) {
  const PreparedCommand answer = Prepare(GreedyRequest("the", -1));
  ASSERT_EQ(answer.generations.size(), 1U);
  Usage usage;
  usage.prompt_tokens = answer.prompt.value().n_tokens;
  usage.completion_tokens = kContext - usage.prompt_tokens - 1;
  EXPECT_EQ(answer.generations[0]->FinishAfter(usage), std::nullopt);
  ++usage.completion_tokens;
  EXPECT_EQ(answer.generations[0]->FinishAfter(usage), FinishReason::kContext);
}

TEST_F(PreparerTest, RefusesAPromptWithoutTokens) {
  Request request = GreedyRequest("", 5);
  request.add_special = false;
  EXPECT_EQ(Refused(std::move(request)).code(), Code::kInvalidArgument);
}

TEST_F(PreparerTest, RefusesAPromptAsLongAsTheContextAndTakesOneThatIsATokenShorter) {
  const Request request = GreedyRequest(Repeat("dose ", 10), 5);
  const std::uint32_t n = parts.Prompt(request).n_tokens;
  for (const std::uint32_t context : {n - 1, n, n + 1}) {
    Preparer exact(parts.model(), nullptr, {context, kUbatch}, thread, parts.inbox);
    exact.Prepare(MakePrepareJob(1, request));
    const std::vector<PreparedCommand> answers = Answers();
    ASSERT_EQ(answers.size(), 1U);
    ASSERT_EQ(answers[0].prompt.ok(), context > n);
    if (context > n) continue;
    const Status& status = answers[0].prompt.status();
    EXPECT_EQ(status.code(), Code::kContextFull);
    EXPECT_NE(status.message().find(std::to_string(n)), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(std::to_string(context)), std::string::npos) << status.message();
    EXPECT_EQ(status.message().find("dose"), std::string::npos) << "a prompt's text in a message";
    EXPECT_TRUE(answers[0].generations.empty());
  }
}

TEST_F(PreparerTest, RefusesAGrammarThatDoesNotParse) {
  for (const char* const grammar : {"root ::= (", "other ::= \"a\"", "root ::= root", "root"}) {
    Request request = GreedyRequest("the", 5);
    request.grammar = grammar;
    request.n = 3;
    EXPECT_EQ(Refused(std::move(request)).code(), Code::kInvalidArgument) << grammar;
  }
  EXPECT_TRUE(Prepare(GreedyRequest("the", 5)).prompt.ok()) << "a refused one harmed the next";
}

TEST_F(PreparerTest, SkipsAJobOnlyWhenAllOfItsCompletionsAreCancelled) {
  std::promise<void> go;
  thread.Push([&] { go.get_future().wait(); });
  std::vector<CancelFlag> flags;
  for (RequestId id = 1; id <= 4; ++id) {
    Request request = GreedyRequest("the", 5);
    request.n = 3;
    Preparer::Job job = MakePrepareJob(10 * id, std::move(request));
    flags.insert(flags.end(), job.cancelled.begin(), job.cancelled.end());
    preparer.Prepare(std::move(job));
  }
  // While they wait: of the first nothing, of the second all, of the third two, of the last all but its first.
  for (const std::size_t i : {3U, 4U, 5U, 6U, 7U, 10U, 11U}) flags[i]->store(true);
  go.set_value();
  const std::vector<PreparedCommand> answers = Answers();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].id, 10U);
  EXPECT_EQ(answers[1].id, 30U);
  EXPECT_EQ(answers[2].id, 40U);
  for (const PreparedCommand& answer : answers) {
    EXPECT_TRUE(answer.prompt.ok());
    EXPECT_EQ(answer.generations.size(), 3U);  // those that are cancelled keep their place
  }
}

TEST_F(PreparerTest, SkipsACancelledJobWhateverIsWrongWithIt) {
  Request request = GreedyRequest("the", 5);
  request.grammar = "root ::= (";
  Preparer::Job job = MakePrepareJob(1, std::move(request));
  job.cancelled[0]->store(true);
  preparer.Prepare(std::move(job));
  EXPECT_TRUE(Answers().empty());
}

TEST_F(PreparerTest, AnswersInTheOrderOfArrivalHoweverLongEachTakes) {
  std::vector<RequestId> expected;
  for (RequestId id = 1; id <= 30; ++id) {
    Request request = GreedyRequest(id % 3 == 0 ? Repeat("the patient has mild pain and ", 2000) : "the", 5);
    if (id % 5 == 0) request.grammar = "root ::= (";
    preparer.Prepare(MakePrepareJob(id, std::move(request)));
    expected.push_back(id);
  }
  std::vector<RequestId> order;
  for (const PreparedCommand& answer : Answers()) {
    order.push_back(answer.id);
    EXPECT_EQ(answer.prompt.ok(), answer.id % 3 != 0 && answer.id % 5 != 0) << answer.id;
  }
  EXPECT_EQ(order, expected);
}

TEST_F(PreparerTest, TakesNoAnswerOfTheEncoderThatItDidNotAskFor) {
  preparer.Take({7, PreparedPrompt{}, EncodeJob::Wanted::kPrompt});
  EXPECT_TRUE(Answers().empty());
}

// With images: the encoder answers on a thread of its own, and what it makes is compared with a job of its own.
struct ImagePreparerTest : PreparerTest {
  void Start(const std::string& family, Preparer::Limits limits = {512, kUbatch}) {
    pair = LoadPair(family);
    encoder = std::make_unique<ImageEncoder>(*pair.projector, ImageLimits{}, 64U << 20U,
                                             [this](EncodeOutcome outcome) { with_images->Take(std::move(outcome)); });
    with_images.emplace(parts.model(), encoder.get(), limits, thread, parts.inbox);
  }
  ~ImagePreparerTest() override {
    thread.Stop();  // as the engine does: it gives the encoder work
    encoder.reset();
  }

  // The next answer. Ends the test where none comes within a minute.
  PreparedCommand Wait() {
    for (const auto end = Clock::now() + std::chrono::minutes(1); Clock::now() < end;) {
      std::vector<Command> commands = parts.inbox.Drain(/*wait=*/false);
      if (!commands.empty()) return std::move(std::get<PreparedCommand>(commands.at(0)));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    throw std::runtime_error("no answer for a minute");
  }

  static Request Ask(std::uint32_t seed) {
    Request request = GreedyRequest("the card of", 5);
    request.prompt.push_back(Image(Card(120, 90, seed)));
    request.prompt.push_back(Text("and the dose"));
    return request;
  }

  VisionPair pair;
  std::unique_ptr<ImageEncoder> encoder;
  std::optional<Preparer> with_images;
};

TEST_F(ImagePreparerTest, PutsImagesBetweenTheTokensOfTheText) {
  Start("llava");
  Request request = Ask(1);
  request.n = 2;
  with_images->Prepare(MakePrepareJob(3, request));
  const PreparedCommand answer = Wait();
  ASSERT_TRUE(answer.prompt.ok()) << answer.prompt.status().message();
  EXPECT_EQ(answer.id, 3U);
  EXPECT_EQ(answer.generations.size(), 2U);
  const PreparedPrompt& prompt = answer.prompt.value();
  EXPECT_EQ(prompt.n_images, 1U);
  EXPECT_EQ(prompt.n_images_cached, 0U);
  ExpectEqualsPlainLoop(pair, request.prompt, prompt, 0);
  with_images->Prepare(MakePrepareJob(4, std::move(request)));
  EXPECT_EQ(Wait().prompt.value().n_images_cached, 1U);
}

TEST_F(ImagePreparerTest, EmbedsAnImageAloneHoweverShortTheContext) {
  Start("llava", {1, kUbatch});
  Request request;
  request.prompt.push_back(Image(Card(120, 90)));
  Preparer::Job job = MakePrepareJob(5, std::move(request));
  job.embed_only = true;
  with_images->Prepare(std::move(job));
  const PreparedCommand answer = Wait();
  ASSERT_TRUE(answer.prompt.ok()) << answer.prompt.status().message();
  EXPECT_TRUE(answer.generations.empty());
  for (const PromptChunk& chunk : answer.prompt.value().chunks) {
    EXPECT_TRUE(std::holds_alternative<MediaChunk>(chunk));
  }
  EXPECT_GT(answer.prompt.value().n_media_tokens, 1U);
}

TEST_F(ImagePreparerTest, RefusesADamagedImageAndAPromptThatItMakesTooLong) {
  Start("llava", {12, kUbatch});
  Request damaged = GreedyRequest("the card", 5);
  damaged.prompt.push_back(Image(Share({1, 2, 3})));
  with_images->Prepare(MakePrepareJob(1, std::move(damaged)));
  EXPECT_EQ(Wait().prompt.status().code(), Code::kImageDecode);
  with_images->Prepare(MakePrepareJob(2, Ask(1)));
  EXPECT_EQ(Wait().prompt.status().code(), Code::kContextFull);
}

TEST_F(ImagePreparerTest, RefusesAnImageThatHasToBeReadInOnePieceAndIsLargerThanOne) {
  Start("gemma3", {512, 3});
  with_images->Prepare(MakePrepareJob(1, Ask(1)));
  const PreparedCommand answer = Wait();
  ASSERT_FALSE(answer.prompt.ok());
  EXPECT_EQ(answer.prompt.status().code(), Code::kInvalidArgument);
  EXPECT_NE(answer.prompt.status().message().find("nUbatch"), std::string::npos);
}

TEST_F(ImagePreparerTest, AGrammarThatDoesNotParseIsKnownBeforeAnyImageIsEncoded) {
  Start("llava");
  Request request = Ask(1);
  request.grammar = "root ::= (";
  with_images->Prepare(MakePrepareJob(1, std::move(request)));
  EXPECT_EQ(Wait().prompt.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(encoder->stats().images_encoded, 0U);
  EXPECT_EQ(encoder->stats().waiting, 0U);
}

}  // namespace
}  // namespace medinfer::testing

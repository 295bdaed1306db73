// Sessions to real files and back by a real thread, over cells that know what they were computed on: no model.
#include "engine/session_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/fake_engine.h"
#include "support/temp_folder.h"

namespace medinfer::testing {
namespace {

namespace fs = std::filesystem;

using Lines = std::vector<std::string>;

constexpr std::uint32_t kPage = 16;
constexpr const char* kNote = "what was said";

const Status& Aborted() {
  static const Status status(Code::kAborted, "aborted");
  return status;
}

const Status& Closed() {
  static const Status status(Code::kClosed, "closed");
  return status;
}

PreparedPrompt Text(std::vector<std::int32_t> tokens) {
  PreparedPrompt prompt;
  prompt.n_tokens = static_cast<std::uint32_t>(tokens.size());
  prompt.chunks.emplace_back(std::move(tokens));
  return prompt;
}

PreparedPrompt Counting(std::int32_t first, std::uint32_t n) {
  std::vector<std::int32_t> tokens(n);
  std::iota(tokens.begin(), tokens.end(), first);
  return Text(std::move(tokens));
}

// Writes a line for each event.
class LineSink final : public EventSink {
 public:
  explicit LineSink(Lines& lines) : lines_(lines) {}

  void OnEvents(std::vector<Event> events) override {
    for (const Event& event : events) {
      const std::string id = std::to_string(event.id);
      if (const auto* saved = std::get_if<Saved>(&event.body)) {
        lines_.push_back("saved " + id + " " + std::to_string(saved->tokens));
      } else if (const auto* restored = std::get_if<Restored>(&event.body)) {
        EXPECT_EQ(restored->state, event.id);
        lines_.push_back("restored " + id + " " + std::to_string(restored->tokens));
        note = restored->note;
      } else if (const auto* failed = std::get_if<Failed>(&event.body)) {
        lines_.push_back("failed " + id + " " + CodeName(failed->status.code()));
        EXPECT_FALSE(failed->status.message().empty());
        EXPECT_EQ(failed->status.message().find(kNote), std::string::npos);
      } else {
        lines_.push_back("another event of " + id);
      }
    }
  }

  std::string note;  // of the latest Restored

 private:
  Lines& lines_;
};

// Keeps a file thread busy, until it is released or gone.
class Held {
 public:
  explicit Held(TaskThread& files) {
    files.Push([released = release_.get_future().share()] { released.wait(); });
  }
  ~Held() { Release(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void Release() {
    if (!std::exchange(done_, true)) release_.set_value();
  }

 private:
  std::promise<void> release_;
  bool done_ = false;
};

// An engine's half of a session: what holds cells, and the store of files beside it.
struct Side {
  explicit Side(std::uint32_t cells = 512, bool paged = true, std::uint8_t model = 1)
      : engine(KvPool::Options{.cells = cells, .page_size = kPage, .max_sequences = 4}, 64, 0, paged) {
    identity.fill(model);
  }

  // A state of `n` tokens and more.
  StateId MakeState(std::int32_t first, std::uint32_t n, const std::string& salt = "") {
    const RequestId id = engine.Submit(Counting(first, n), 4, 0, 1, salt, 0, /*keep=*/true);
    engine.RunToEnd();
    EXPECT_TRUE(engine.states.contains(id));
    return id;
  }

  // What has come back of a file; waits for it. Nothing where none comes.
  std::optional<FileOutcome> Next() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (arrived.empty() && std::chrono::steady_clock::now() < deadline) {
      Drain();
      if (arrived.empty()) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    if (arrived.empty()) {
      ADD_FAILURE() << "no file comes back";
      return std::nullopt;
    }
    FileOutcome outcome = std::move(arrived.front());
    arrived.erase(arrived.begin());
    return outcome;
  }

  void TakeNext() {
    if (std::optional<FileOutcome> outcome = Next()) sessions.Take(std::move(*outcome));
  }

  // Waits until the file thread has done all that it was given, and takes what has come back. Returns how many.
  std::size_t TakeAll() {
    std::promise<void> idle;
    files.Push([&idle] { idle.set_value(); });
    idle.get_future().wait();
    Drain();
    const std::size_t n = arrived.size();
    for (FileOutcome& outcome : std::exchange(arrived, {})) sessions.Take(std::move(outcome));
    return n;
  }

  Lines Seen() {
    outbox.Deliver(/*idle=*/true);
    return std::exchange(lines, {});
  }

  Lines Save(RequestId id, StateId state, const std::string& path) {
    sessions.Save({id, state, path, kNote});
    TakeAll();
    return Seen();
  }

  Lines Restore(RequestId id, const std::string& path) {
    sessions.Restore({id, path});
    TakeAll();
    return Seen();
  }

  FakeEngine engine;
  ModelIdentity identity{};
  Inbox<Command> inbox;
  TaskThread files;
  Lines lines;
  LineSink sink{lines};
  Outbox outbox{sink};
  // What went before is delivered first, so that the lines show what is emitted before a request's end and what after.
  SessionStore sessions{{engine.cache, engine.scheduler, files, inbox, identity, outbox}, [this](RequestId id) {
                          outbox.Deliver(/*idle=*/true);
                          lines.push_back("end " + std::to_string(id));
                        }};
  std::vector<FileOutcome> arrived;

 private:
  void Drain() {
    for (Command& command : inbox.Drain(/*wait=*/false)) arrived.push_back(std::get<FileOutcome>(std::move(command)));
  }
};

void ExpectSame(const KvCache::StateCells& a, const KvCache::StateCells& b) {
  EXPECT_EQ(a.salt, b.salt);
  EXPECT_EQ(a.keys, b.keys);
  EXPECT_EQ(a.cells, b.cells);
  EXPECT_EQ(a.bytes, b.bytes);
}

std::string Content(const std::string& path) {
  std::string content(fs::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(content.data(), static_cast<std::streamsize>(content.size()));
  return content;
}

void Put(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

// Long enough for its file to be met while it is written or read.
std::string LongNote() { return std::string(std::size_t{24} << 20U, 'n'); }

struct SessionStoreTest : ::testing::Test {
  std::size_t n_files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  // Whether a file, or a part of one, is there soon.
  bool WaitForFile() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (n_files() == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return n_files() > 0;
  }

  const TempFolder own;
  const fs::path folder = own.path();
  const std::string path = (folder / "session").string();
};

TEST_F(SessionStoreTest, WhatIsRestoredHasTheCellsThatWereSaved) {
  Side from;
  const StateId state = from.MakeState(0, 37, "tenant");
  const KvCache::StateCells saved = from.engine.cache.ReadState(state);
  ASSERT_EQ(saved.cells, 40U);  // the last drawn token was never read
  EXPECT_EQ(from.Save(1000, state, path), (Lines{"end 1000", "saved 1000 40"}));
  EXPECT_EQ(n_files(), 1U);
  ExpectSame(from.engine.cache.ReadState(state), saved);

  Side to;
  EXPECT_EQ(to.Restore(2000, path), (Lines{"end 2000", "restored 2000 40"}));
  EXPECT_EQ(to.sink.note, kNote);
  ExpectSame(to.engine.cache.ReadState(2000), saved);

  // A request goes on from it, and draws what it would have drawn alone; one of another tenant finds nothing.
  std::vector<std::int32_t> said(saved.keys.begin(), saved.keys.end());
  said.push_back(3);
  const RequestId next = to.engine.Submit(Text(said), 6, 0, 1, "tenant", 2000);
  const RequestId other = to.engine.Submit(Text(said), 6, 0, 1, "other", 2000);
  to.engine.RunToEnd();
  EXPECT_EQ(to.engine.ended.at(next)->schedule.cached_cells, 40U);
  EXPECT_EQ(to.engine.ended.at(other)->schedule.cached_cells, 0U);
  for (const auto& [id, request] : to.engine.ended) EXPECT_EQ(request->answer, Answer(*request));
}

TEST_F(SessionStoreTest, SavesTheCellsAsTheyAreWhenItIsAsked) {
  Side side(96);
  const StateId state = side.MakeState(0, 37);
  const KvCache::StateCells saved = side.engine.cache.ReadState(state);
  Held held(side.files);
  side.sessions.Save({1000, state, path, kNote});
  side.engine.cache.DropState(state);
  side.engine.Submit(Counting(500, 90), 6);
  side.engine.RunToEnd();  // over all cells
  EXPECT_EQ(side.Seen(), Lines{});
  held.Release();
  side.TakeAll();
  EXPECT_EQ(side.Seen(), (Lines{"end 1000", "saved 1000 40"}));
  Side to;
  to.Restore(2000, path);
  ExpectSame(to.engine.cache.ReadState(2000), saved);
}

TEST_F(SessionStoreTest, AStateThatIsNotThereIsSavedAsOneThatHoldsNothing) {
  Side side;
  EXPECT_EQ(side.Save(1000, 77, path), (Lines{"end 1000", "saved 1000 0"}));
  EXPECT_EQ(side.Restore(2000, path), (Lines{"end 2000", "restored 2000 0"}));
  EXPECT_EQ(side.sink.note, kNote);
  EXPECT_TRUE(side.engine.cache.ReadState(2000).keys.empty());
}

TEST_F(SessionStoreTest, FilesAreDoneInOrderAndTheLatestStays) {
  Side side;
  const StateId small = side.MakeState(0, 20);
  const StateId large = side.MakeState(100, 50);
  Held held(side.files);
  side.sessions.Save({1000, small, path, kNote});
  side.sessions.Restore({1001, path});
  side.sessions.Save({1002, large, path, kNote});
  side.sessions.Restore({1003, path});
  held.Release();
  EXPECT_EQ(side.TakeAll(), 4U);
  EXPECT_EQ(side.Seen(), (Lines{"end 1000", "saved 1000 23", "end 1001", "restored 1001 23", "end 1002",
                                "saved 1002 53", "end 1003", "restored 1003 53"}));
  EXPECT_EQ(n_files(), 1U);
  ExpectSame(side.engine.cache.ReadState(1003), side.engine.cache.ReadState(large));
}

TEST_F(SessionStoreTest, WithoutPagesNothingIsSavedAndOnlyAFileWithoutCellsIsRestored) {
  Side paged;
  const std::string empty = path + "-empty";
  paged.Save(1000, paged.MakeState(0, 20), path);
  paged.Save(1001, 77, empty);
  Side side(512, /*paged=*/false);
  EXPECT_EQ(side.Save(1002, 5, path + "-none"), (Lines{"end 1002", "failed 1002 INVALID_ARGUMENT"}));
  EXPECT_EQ(n_files(), 2U);
  EXPECT_EQ(side.Restore(1003, path), (Lines{"end 1003", "failed 1003 BAD_SESSION"}));
  EXPECT_EQ(side.Restore(1004, empty), (Lines{"end 1004", "restored 1004 0"}));
}

TEST_F(SessionStoreTest, ASaveWithoutMemoryFailsAndLeavesNothing) {
  Side side;
  const StateId state = side.MakeState(0, 20);
  side.engine.store.out_of_memory = true;
  EXPECT_EQ(side.Save(1000, state, path), (Lines{"end 1000", "failed 1000 OUT_OF_MEMORY"}));
  EXPECT_EQ(n_files(), 0U);
  side.engine.store.out_of_memory = false;
  EXPECT_EQ(side.Save(1001, state, path), (Lines{"end 1001", "saved 1001 23"}));
}

TEST_F(SessionStoreTest, ASaveThatCannotBeWrittenFails) {
  Side side;
  const StateId state = side.MakeState(0, 20);
  EXPECT_EQ(side.Save(1000, state, (folder / "missing" / "session").string()),
            (Lines{"end 1000", "failed 1000 BAD_SESSION"}));
  EXPECT_EQ(side.Save(1001, state, folder.string()), (Lines{"end 1001", "failed 1001 BAD_SESSION"}));
  EXPECT_EQ(n_files(), 0U);
}

TEST_F(SessionStoreTest, AFileWithAnyByteOtherOrMissingMakesNoState) {
  Side side;
  ASSERT_EQ(side.Save(1000, side.MakeState(0, 20, "tenant"), path).size(), 2U);
  const std::string good = Content(path);
  Side to;
  RequestId id = 2000;
  const auto expect_refused = [&](const std::string& what) {
    ++id;
    const std::string name = std::to_string(id);
    EXPECT_EQ(to.Restore(id, path), (Lines{"end " + name, "failed " + name + " BAD_SESSION"})) << what;
    EXPECT_TRUE(to.engine.cache.ReadState(id).keys.empty()) << what;
    EXPECT_EQ(to.engine.cache.stats().pages_free, to.engine.cache.pages()) << what;
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
    Put(path, damaged);
    expect_refused("byte " + std::to_string(i));
    Put(path, good.substr(0, i));
    expect_refused("cut to " + std::to_string(i));
    if (HasFailure()) return;
  }
  Put(path, good + "x");
  expect_refused("a byte more");
  fs::remove(path);
  expect_refused("no file");
  fs::create_directory(path);
  expect_refused("a folder");
  fs::remove(path);
  Put(path, good);
  EXPECT_EQ(to.Restore(9000, path), (Lines{"end 9000", "restored 9000 23"}));
}

TEST_F(SessionStoreTest, AFileOfAnotherModelOrOfOtherCellsMakesNoState) {
  Side side;
  side.Save(1000, side.MakeState(0, 20), path);
  Side other(512, true, /*model=*/2);
  EXPECT_EQ(other.Restore(2000, path), (Lines{"end 2000", "failed 2000 BAD_SESSION"}));
  EXPECT_EQ(other.engine.cache.stats().pages_free, other.engine.cache.pages());
  const SessionData narrow{kNote, "", {1, 2, 3}, 3, /*bytes_per_cell=*/4, std::vector<std::uint8_t>(12)};
  ASSERT_TRUE(WriteSession(path, narrow, side.identity, [] { return false; }).ok());
  EXPECT_EQ(side.Restore(2001, path), (Lines{"end 2001", "failed 2001 BAD_SESSION"}));
  EXPECT_TRUE(side.engine.cache.ReadState(2001).keys.empty());
}

TEST_F(SessionStoreTest, RestoresWhatThereIsRoomForBesideWhatRuns) {
  Side from;
  from.Save(1000, from.MakeState(0, 100), path);
  Side to(10 * kPage);
  const RequestId first = to.engine.Submit(Counting(500, 20), 30);
  const RequestId second = to.engine.Submit(Counting(600, 20), 30);
  to.engine.Step();
  ASSERT_EQ(to.engine.scheduler.running().size(), 2U);
  const std::uint32_t available = to.engine.cache.pages_available();
  ASSERT_EQ(available, 6U);
  // Each of the two has a page left to grow into.
  EXPECT_EQ(to.Restore(2000, path), (Lines{"end 2000", "restored 2000 64"}));
  EXPECT_EQ(to.engine.cache.pages_available(), 2U);
  to.engine.RunToEnd();
  EXPECT_EQ(to.engine.scheduler.preemptions(), 0U);
  for (const RequestId id : {first, second}) {
    EXPECT_EQ(to.engine.ended.at(id)->answer, Answer(*to.engine.ended.at(id)));
  }
}

TEST_F(SessionStoreTest, RefuseEndsWhatHasNotBegun) {
  Side side;
  side.sessions.Refuse(1000, Closed());
  EXPECT_EQ(side.Seen(), (Lines{"end 1000", "failed 1000 CLOSED"}));
  side.sessions.Cancel(1000, Aborted());
  side.sessions.CancelAll(Aborted());
  EXPECT_EQ(side.Seen(), Lines{});
}

TEST_F(SessionStoreTest, CancelEndsASaveAtOnceAndItsFileIsWrittenAllTheSame) {
  Side side;
  const StateId state = side.MakeState(0, 20);
  side.sessions.Cancel(1000, Aborted());  // not known
  EXPECT_EQ(side.Seen(), Lines{});
  Held held(side.files);
  side.sessions.Save({1000, state, path, kNote});
  side.sessions.Save({1001, state, path + "2", kNote});
  side.sessions.Cancel(1000, Aborted());
  EXPECT_EQ(side.Seen(), (Lines{"end 1000", "failed 1000 ABORTED"}));
  side.sessions.Cancel(1000, Aborted());
  EXPECT_EQ(side.Seen(), Lines{});
  held.Release();
  EXPECT_EQ(side.TakeAll(), 2U);
  EXPECT_EQ(side.Seen(), (Lines{"end 1001", "saved 1001 23"}));
  EXPECT_EQ(side.Restore(2000, path), (Lines{"end 2000", "restored 2000 23"}));
}

TEST_F(SessionStoreTest, CancelledWhileItsFileIsBeingWrittenOrAfter) {
  Side side;
  // However the two meet, the request ends once and the file is whole.
  side.sessions.Save({1000, 77, path, LongNote()});
  ASSERT_TRUE(WaitForFile());
  side.sessions.Cancel(1000, Aborted());
  EXPECT_EQ(side.Seen(), (Lines{"end 1000", "failed 1000 ABORTED"}));
  EXPECT_EQ(side.TakeAll(), 1U);
  EXPECT_EQ(side.Seen(), Lines{});
  EXPECT_EQ(n_files(), 1U);
  EXPECT_EQ(side.Restore(1001, path), (Lines{"end 1001", "restored 1001 0"}));
  EXPECT_EQ(side.sink.note, LongNote());
  // Its file is written, and what came of it waits in the inbox.
  side.sessions.Save({1002, 77, path, kNote});
  std::optional<FileOutcome> outcome = side.Next();
  ASSERT_TRUE(outcome);
  side.sessions.Cancel(1002, Aborted());
  side.sessions.Take(std::move(*outcome));
  EXPECT_EQ(side.Seen(), (Lines{"end 1002", "failed 1002 ABORTED"}));
}

TEST_F(SessionStoreTest, ACancelledRestoreMakesNoState) {
  Side side;
  side.Save(1000, side.MakeState(0, 20), path);
  side.Seen();
  Side to;
  {
    const Held held(to.files);
    to.sessions.Restore({2000, path});
    to.sessions.Cancel(2000, Aborted());
    EXPECT_EQ(to.Seen(), (Lines{"end 2000", "failed 2000 ABORTED"}));
  }
  EXPECT_EQ(to.TakeAll(), 1U);
  to.sessions.Restore({2001, path});
  std::optional<FileOutcome> outcome = to.Next();
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(std::holds_alternative<SessionData>(outcome->what));
  to.sessions.Cancel(2001, Aborted());
  to.sessions.Take(std::move(*outcome));
  EXPECT_EQ(to.Seen(), (Lines{"end 2001", "failed 2001 ABORTED"}));
  EXPECT_EQ(to.engine.cache.stats().pages_free, to.engine.cache.pages());
  EXPECT_TRUE(to.engine.cache.ReadState(2000).keys.empty());
  EXPECT_TRUE(to.engine.cache.ReadState(2001).keys.empty());
}

TEST_F(SessionStoreTest, CancelAllEndsAllThatIsOpenAndNothingElse) {
  Side side;
  const StateId state = side.MakeState(0, 20);
  EXPECT_EQ(side.Save(1000, state, path).size(), 2U);
  Held held(side.files);
  for (const RequestId id : {1001, 1003}) side.sessions.Save({id, state, path + std::to_string(id), kNote});
  side.sessions.Restore({1002, path});
  side.sessions.Cancel(1003, Aborted());
  EXPECT_EQ(side.Seen(), (Lines{"end 1003", "failed 1003 ABORTED"}));
  side.sessions.CancelAll(Closed());
  const Lines seen = side.Seen();
  const Lines one{"end 1001", "failed 1001 CLOSED", "end 1002", "failed 1002 CLOSED"};
  const Lines other{"end 1002", "failed 1002 CLOSED", "end 1001", "failed 1001 CLOSED"};
  EXPECT_TRUE(seen == one || seen == other) << ::testing::PrintToString(seen);
  side.sessions.CancelAll(Closed());
  held.Release();
  EXPECT_EQ(side.TakeAll(), 3U);
  EXPECT_EQ(side.Seen(), Lines{});
}

TEST_F(SessionStoreTest, AClosedFileThreadWritesNothingMoreAndCancelAllEndsWhatWaitedForIt) {
  Side side;
  const StateId state = side.MakeState(0, 20);
  {
    const Held held(side.files);
    side.sessions.Save({1000, state, path, kNote});
    side.files.Close();
  }
  side.files.Stop();
  side.sessions.Save({1001, state, path, kNote});  // dropped
  EXPECT_EQ(n_files(), 0U);
  EXPECT_TRUE(side.inbox.Drain(/*wait=*/false).empty());
  EXPECT_EQ(side.Seen(), Lines{});
  side.sessions.CancelAll(Closed());
  EXPECT_EQ(side.Seen().size(), 4U);
}

// Both give up between two pieces. Which piece is chance, so they are tried until one is met.
TEST_F(SessionStoreTest, ClosingTheFileThreadEndsASaveThatIsUnderWayAndLeavesNoPart) {
  bool gave_up = false;
  for (int round = 0; round < 20 && !gave_up; ++round) {
    Side side;
    side.sessions.Save({1000, 77, path, LongNote()});
    ASSERT_TRUE(WaitForFile());
    side.files.Stop();
    gave_up = n_files() == 0;
    EXPECT_TRUE(gave_up || (n_files() == 1 && fs::exists(path)));
    side.TakeNext();
    EXPECT_EQ(side.Seen(), (Lines{"end 1000", gave_up ? "failed 1000 BAD_SESSION" : "saved 1000 0"}));
    std::error_code ignored;
    fs::remove(path, ignored);
  }
  EXPECT_TRUE(gave_up);
}

TEST_F(SessionStoreTest, ClosingTheFileThreadEndsARestoreThatIsUnderWay) {
  ASSERT_TRUE(WriteSession(path, {LongNote(), "", {}, 0, 0, {}}, Side().identity, [] { return false; }).ok());
  bool gave_up = false;
  for (int round = 0; round < 50 && !gave_up; ++round) {
    Side side;
    {
      const Held held(side.files);
      side.sessions.Restore({1001, path});
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200 * round));
    side.files.Stop();
    const std::vector<Command> back = side.inbox.Drain(/*wait=*/false);  // nothing where it had not begun
    gave_up = !back.empty() && std::holds_alternative<Status>(std::get<FileOutcome>(back.front()).what);
  }
  EXPECT_TRUE(gave_up);
}

// In whatever order requests come, files end and requests are cancelled: each ends once, and says so right before its
// only event.
class SessionStoreProperty : public SessionStoreTest, public ::testing::WithParamInterface<std::uint32_t> {};

TEST_P(SessionStoreProperty, EveryRequestEndsOnceAndRightBeforeItsEvent) {
  std::mt19937 random(GetParam());
  const auto pick = [&](std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  };
  Side side(256);
  const StateId state = side.MakeState(0, 20);
  RequestId last = 1000;
  Lines seen;
  std::unique_ptr<Held> held;
  const auto any_path = [&] { return path + std::to_string(pick(0, 2)); };
  for (int step = 0; step < 150; ++step) {
    switch (pick(0, 9)) {
      case 0:
      case 1:
        side.sessions.Save({++last, pick(0, 1) == 0 ? state : 77, any_path(), kNote});
        break;
      case 2:
      case 3:
        side.sessions.Restore({++last, any_path()});
        break;
      case 4:
        side.sessions.Refuse(++last, Closed());
        break;
      case 5:
        if (last > 1000) side.sessions.Cancel(pick(1001, static_cast<std::uint32_t>(last)), Aborted());
        break;
      case 6:
        if (pick(0, 3) == 0) side.sessions.CancelAll(Closed());
        break;
      case 7:
        held = held ? nullptr : std::make_unique<Held>(side.files);
        break;
      case 8:
        if (!held) side.TakeAll();
        break;
      default:
        side.engine.cache.DropState(pick(1000, static_cast<std::uint32_t>(last)));
    }
    const Lines more = side.Seen();
    seen.insert(seen.end(), more.begin(), more.end());
  }
  held.reset();
  side.TakeAll();
  const Lines more = side.Seen();
  seen.insert(seen.end(), more.begin(), more.end());
  ASSERT_EQ(seen.size(), 2 * (last - 1000));
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < seen.size(); i += 2) {
    const std::string id = seen[i].substr(4);
    EXPECT_EQ(seen[i], "end " + id);
    EXPECT_NE(seen[i + 1].find(" " + id + " "), std::string::npos) << seen[i + 1] << " behind the end of " << id;
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SessionStoreProperty, ::testing::Range(1U, 11U));

}  // namespace
}  // namespace medinfer::testing

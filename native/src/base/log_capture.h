// What llama.cpp, ggml and libmtmd log is printed nowhere: prompts are patient data, and stdout and stderr belong to
// the host. Only while a thread loads a model are the error lines of that thread kept, so that the message to the user
// can say what was wrong with the file.
#pragma once

#include <string>
#include <string_view>

namespace medinfer {

// An error line that a library logs on the current thread: kept while a LogCapture lives there.
void CaptureErrorLine(std::string_view text);

// Keeps the error lines that the current thread logs while the object lives. Not nested.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // What was wrong, from the error lines so far, on one line and short enough for a message. Empty where none was
  // logged.
  std::string errors() const;
  // Whether one of them is of memory that could not be had.
  bool SaysOutOfMemory() const;
  // The lines themselves, to look for something in them: they quote the file, so no message holds them.
  std::string_view lines() const;
  // Whether SplitMode::kTensor is not there for the model's architecture.
  bool SaysNoTensorSplit() const;
  // The lines where they report an assertion; else empty.
  std::string Assertion() const;
};

}  // namespace medinfer

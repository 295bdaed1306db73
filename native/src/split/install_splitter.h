// Puts RegexSplitter in the place of std::regex in llama.cpp.
#pragma once

namespace medinfer {

// From now on llama.cpp's vocabularies split text with RegexSplitter in this process. Each expression is compiled once;
// a vocabulary with one that can not be taken does not load. Any thread, any number of times.
void InstallSplitter();

}  // namespace medinfer

// What llama.cpp's converter takes from the rest of its common library: three functions on strings.
#include <common.h>

std::string string_join(const std::vector<std::string>& values, const std::string& separator) {
  std::string joined;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) joined += separator;
    joined += values[i];
  }
  return joined;
}

std::vector<std::string> string_split(const std::string& str, const std::string& delimiter) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = str.find(delimiter, begin)) != std::string::npos; begin = end + delimiter.size()) {
    parts.push_back(str.substr(begin, end - begin));
  }
  parts.push_back(str.substr(begin));
  return parts;
}

std::string string_repeat(const std::string& str, std::size_t n) {
  std::string repeated;
  for (std::size_t i = 0; i < n; ++i) repeated += str;
  return repeated;
}

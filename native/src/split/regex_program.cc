#include "split/regex_program.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxInstructions = 8192;

class Compiler {
 public:
  RegexProgram Finish(const RegexNode& regex) {
    Emit(regex);
    Add({RegexInstruction::Op::kMatch});
    return std::move(program_);
  }

 private:
  using Op = RegexInstruction::Op;

  std::uint32_t here() const { return static_cast<std::uint32_t>(program_.instructions.size()); }

  std::uint32_t Add(const RegexInstruction& instruction) {
    if (program_.instructions.size() == kMaxInstructions) throw UnsupportedRegex("it is too long");
    program_.instructions.push_back(instruction);
    return here() - 1;
  }

  // Prefers what comes next; the other way is set later.
  std::uint32_t AddSplit() { return Add({Op::kSplit, false, 0, here() + 1}); }

  void Emit(const RegexNode& node) {
    switch (node.kind) {
      case RegexNode::Kind::kSymbol:
      case RegexNode::Kind::kAhead:
        program_.sets.push_back(node.set);
        Add({node.kind == RegexNode::Kind::kAhead ? Op::kAhead : Op::kSymbol, node.negated,
             static_cast<std::uint32_t>(program_.sets.size() - 1)});
        break;
      case RegexNode::Kind::kSequence:
        for (const RegexNode& child : node.children) Emit(child);
        break;
      case RegexNode::Kind::kChoice:
        EmitChoice(node);
        break;
      case RegexNode::Kind::kRepeat:
        EmitRepeat(node);
        break;
    }
  }

  void EmitChoice(const RegexNode& choice) {
    std::vector<std::uint32_t> ends;
    for (std::size_t i = 0; i + 1 < choice.children.size(); ++i) {
      const std::uint32_t split = AddSplit();
      Emit(choice.children[i]);
      ends.push_back(Add({Op::kJump}));
      program_.instructions[split].second = here();
    }
    Emit(choice.children.back());
    for (const std::uint32_t end : ends) program_.instructions[end].first = here();
  }

  void EmitRepeat(const RegexNode& repeat) {
    for (std::uint32_t i = 0; i < repeat.min; ++i) Emit(repeat.children[0]);
    if (repeat.max == RegexNode::kNoLimit) {
      const std::uint32_t split = AddSplit();
      Emit(repeat.children[0]);
      Add({Op::kJump, false, 0, split});
      program_.instructions[split].second = here();
      return;
    }
    std::vector<std::uint32_t> splits;
    for (std::uint32_t i = repeat.min; i < repeat.max; ++i) {
      splits.push_back(AddSplit());
      Emit(repeat.children[0]);
    }
    for (const std::uint32_t split : splits) program_.instructions[split].second = here();
  }

  RegexProgram program_;
};

}  // namespace

RegexProgram CompileRegex(const RegexNode& regex) { return Compiler().Finish(regex); }

}  // namespace medinfer

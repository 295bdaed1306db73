// The graph allocator where there is no memory: native/patches/0068.
#include <ggml-alloc.h>
#include <ggml-backend-impl.h>
#include <ggml-cpp.h>
#include <gtest/gtest.h>

#include <cstddef>

namespace medinfer {
namespace {

// A device without memory.
const char* Name(ggml_backend_buffer_type_t /*type*/) { return "none"; }
ggml_backend_buffer_t AllocateNothing(ggml_backend_buffer_type_t /*type*/, std::size_t /*size*/) { return nullptr; }
std::size_t Alignment(ggml_backend_buffer_type_t /*type*/) { return 32; }

TEST(GgmlAllocatorTest, RefusesAGraphAsOftenAsThereIsNoMemoryForIt) {
  ggml_backend_buffer_type none = {};
  none.iface.get_name = Name;
  none.iface.alloc_buffer = AllocateNothing;
  none.iface.get_alignment = Alignment;
  const ggml_context_ptr context(ggml_init({.mem_size = 1 << 20, .mem_buffer = nullptr, .no_alloc = true}));
  ggml_tensor* given = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, 8);
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, ggml_add(context.get(), given, given));
  const ggml_gallocr_ptr allocator(ggml_gallocr_new(&none));
  EXPECT_FALSE(ggml_gallocr_reserve(allocator.get(), graph));
  EXPECT_FALSE(ggml_gallocr_alloc_graph(allocator.get(), graph));
  EXPECT_FALSE(ggml_gallocr_alloc_graph(allocator.get(), graph));
  EXPECT_EQ(given->data, nullptr);
}

}  // namespace
}  // namespace medinfer

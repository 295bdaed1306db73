#include "support/remote_device.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ggml-rpc.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "medinfer/backends.h"
#include "support/places.h"

namespace medinfer::testing {
namespace {

sockaddr_in Localhost(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One that nobody listens on now.
std::uint16_t FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Localhost(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(socket);
  return ntohs(address.sin_port);
}

bool Listens(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = Localhost(port);
  const bool connected = connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(socket);
  return connected;
}

// The process ends itself when this one does.
void Start(const std::string& port) {
  std::string program = std::string(places::kTools) + "/rpc_device";
  std::string argument = port;
  std::array<char*, 3> arguments = {program.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t process = -1;
  EXPECT_EQ(posix_spawn(&process, program.c_str(), &actions, nullptr, arguments.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
}

using AddServer = decltype(&ggml_backend_rpc_add_server);

// Starts one more process and connects to it; the registry does not know it yet.
ggml_backend_reg_t Connect() {
  const std::uint16_t port = FreePort();
  Start(std::to_string(port));
  for (int i = 0; i < 1000 && !Listens(port); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));

  static ggml_backend_reg_t rpc = ggml_backend_load(places::kRpcBackend);
  EXPECT_NE(rpc, nullptr) << places::kRpcBackend;
  const auto add_server =
      reinterpret_cast<AddServer>(ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server"));
  ggml_backend_reg_t server = add_server(("127.0.0.1:" + std::to_string(port)).c_str());
  EXPECT_NE(server, nullptr);
  return server;
}

}  // namespace

RemoteDevices::RemoteDevices(std::size_t count) {
  const Status backends = InitBackends(places::kBackends);
  EXPECT_TRUE(backends.ok()) << backends.message();
  static std::vector<ggml_backend_reg_t> started;
  while (started.size() < count) started.push_back(Connect());
  servers_.assign(started.begin(), started.begin() + static_cast<std::ptrdiff_t>(count));
  for (ggml_backend_reg_t server : servers_) {
    ggml_backend_register(server);
    devices_.push_back(ggml_backend_reg_dev_get(server, 0));
  }
}

RemoteDevices::~RemoteDevices() {
  for (ggml_backend_reg_t server : servers_) ggml_backend_unload(server);
}

}  // namespace medinfer::testing

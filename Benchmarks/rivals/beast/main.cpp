// Boost.Beast as the bare listener's rival: one thread, asynchronous, no compression.
//
// GET with an upgrade and event_id=N joins room N, where each text goes to all members; any other GET answers 15 bytes of JSON.
// A publication is one shared string; a session writes one message at a time, which is what the library offers.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using Message = std::shared_ptr<const std::string>;

class Member;
static std::unordered_map<long, std::unordered_set<Member *>> rooms;

class Member : public std::enable_shared_from_this<Member> {
public:
    Member(tcp::socket socket, long room) : stream(std::move(socket)), room(room) {
        stream.set_option(websocket::stream_base::timeout{websocket::stream_base::none(), websocket::stream_base::none(), false});
        stream.auto_fragment(false);
        stream.text(true);
    }
    ~Member() { leave(); }

    template <class Request> void accept(const Request &request) {
        stream.async_accept(request, [self = shared_from_this()](beast::error_code error) {
            if (error) return;
            rooms[self->room].insert(self.get());
            self->read();
        });
    }
    void send(const Message &message) {
        queue.push_back(message);
        if (queue.size() == 1) write();
    }

private:
    void read() {
        stream.async_read(buffer, [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (error) return self->leave();
            auto message = std::make_shared<const std::string>(beast::buffers_to_string(self->buffer.data()));
            self->buffer.consume(self->buffer.size());
            for (auto *member : rooms[self->room]) member->send(message);
            self->read();
        });
    }
    void write() {
        stream.async_write(asio::buffer(*queue.front()), [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (error) return self->leave();
            self->queue.pop_front();
            if (!self->queue.empty()) self->write();
        });
    }
    void leave() {
        auto at = rooms.find(room);
        if (at != rooms.end() && at->second.erase(this) && at->second.empty()) rooms.erase(at);
    }

    websocket::stream<tcp::socket> stream;
    long room;
    beast::flat_buffer buffer;
    std::deque<Message> queue;
};

class Connection : public std::enable_shared_from_this<Connection> {
public:
    explicit Connection(tcp::socket socket) : socket(std::move(socket)) {
        response.set(http::field::content_type, "application/json");
        response.body() = R"({"hello":"you"})";
    }
    void read() {
        request = {};
        http::async_read(socket, buffer, request, [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (!error) self->answer();
        });
    }

private:
    void answer() {
        if (websocket::is_upgrade(request)) {
            auto target = std::string(request.target());
            auto at = target.find("event_id=");
            long room = at == std::string::npos ? 0 : std::atol(target.c_str() + at + 9);
            std::make_shared<Member>(std::move(socket), room)->accept(request);
            return;
        }
        response.version(request.version());
        response.keep_alive(request.keep_alive());
        response.prepare_payload();
        http::async_write(socket, response, [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (!error && self->request.keep_alive()) self->read();
        });
    }

    tcp::socket socket;
    beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    http::response<http::string_body> response;
};

static void accept(tcp::acceptor &acceptor) {
    acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
        if (!error) {
            socket.set_option(tcp::no_delay(true), error);
            std::make_shared<Connection>(std::move(socket))->read();
        }
        accept(acceptor);
    });
}

int main(int, char **argv) {
    asio::io_context context{1};
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::atoi(argv[1]))});
    acceptor.listen(4096);
    accept(acceptor);
    context.run();
}

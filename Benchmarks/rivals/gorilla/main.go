// Go with gorilla/websocket as the bare listener's rival: GOMAXPROCS=1, no compression.
//
// GET with an upgrade and event_id=N joins room N, where each text goes to all members; any other GET answers 15 bytes of JSON.
// As in the library's own chat example: two goroutines a member, and a channel between them. A publication is prepared once.
package main

import (
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"

	"github.com/gorilla/websocket"
)

type member struct {
	socket *websocket.Conn
	send   chan *websocket.PreparedMessage
}

type room struct {
	lock    sync.Mutex
	members map[*member]struct{}
}

var (
	lock     sync.Mutex
	rooms    = map[string]*room{}
	upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	hello    = []byte(`{"hello":"you"}`)
)

func roomOf(id string) *room {
	lock.Lock()
	defer lock.Unlock()
	r, ok := rooms[id]
	if !ok {
		r = &room{members: map[*member]struct{}{}}
		rooms[id] = r
	}
	return r
}

func (r *room) publish(message *websocket.PreparedMessage) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for m := range r.members {
		select {
		case m.send <- message:
		default:
			m.socket.Close()
		}
	}
}

func (m *member) write() {
	for message := range m.send {
		if m.socket.WritePreparedMessage(message) != nil {
			m.socket.Close()
			return
		}
	}
}

func (m *member) read(r *room) {
	for {
		kind, data, err := m.socket.ReadMessage()
		if err != nil {
			return
		}
		message, err := websocket.NewPreparedMessage(kind, data)
		if err != nil {
			return
		}
		r.publish(message)
	}
}

func serve(w http.ResponseWriter, request *http.Request) {
	if !websocket.IsWebSocketUpgrade(request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(hello)
		return
	}
	r := roomOf(request.URL.Query().Get("event_id"))
	socket, err := upgrader.Upgrade(w, request, nil)
	if err != nil {
		return
	}
	m := &member{socket: socket, send: make(chan *websocket.PreparedMessage, 256)}
	r.lock.Lock()
	r.members[m] = struct{}{}
	r.lock.Unlock()
	go m.write()
	m.read(r)
	r.lock.Lock()
	delete(r.members, m)
	r.lock.Unlock()
	close(m.send)
	socket.Close()
}

func main() {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	panic(http.Serve(listener, http.HandlerFunc(serve)))
}

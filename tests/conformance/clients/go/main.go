// Does what every client of Toxiproxy can do, and prints what it saw as one JSON list.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2/client"
)

var seen []any

func saw(facts ...any) { seen = append(seen, facts) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func fails(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

func names(client *toxiproxy.Client) []string {
	found := []string{}
	for name := range must(client.Proxies()) {
		found = append(found, name)
	}
	sort.Strings(found)
	return found
}

func main() {
	upstream := os.Args[2]
	client := toxiproxy.NewClient(os.Args[1])
	proxy := must(client.CreateProxy("p", "127.0.0.1:0", upstream))
	saw("created", proxy.Name, proxy.Enabled)
	_, err := client.CreateProxy("p", "127.0.0.1:0", upstream)
	saw("again", fails(err, "proxy already exists"))
	toxic := must(proxy.AddToxic("slow", "latency", "upstream", 0.5, toxiproxy.Attributes{"latency": 5, "jitter": 1}))
	saw("added", toxic.Name, toxic.Stream, toxic.Toxicity, toxic.Attributes["latency"])
	toxic = must(proxy.UpdateToxic("slow", -1, toxiproxy.Attributes{"latency": 7}))
	saw("updated", toxic.Attributes["latency"], toxic.Attributes["jitter"])
	if err := proxy.RemoveToxic("slow"); err != nil {
		panic(err)
	}
	saw("gone", fails(proxy.RemoveToxic("slow"), "toxic not found"))
	if err := proxy.Disable(); err != nil {
		panic(err)
	}
	saw("disabled", must(client.Proxy("p")).Enabled)
	if err := client.ResetState(); err != nil {
		panic(err)
	}
	saw("reset", must(client.Proxy("p")).Enabled)
	must(client.Populate([]toxiproxy.Proxy{{Name: "q", Listen: "127.0.0.1:0", Upstream: upstream, Enabled: true}}))
	saw("all", names(client))
	if err := proxy.Delete(); err != nil {
		panic(err)
	}
	saw("left", names(client))
	fmt.Println(string(must(json.Marshal(seen))))
}

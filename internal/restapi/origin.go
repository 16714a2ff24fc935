package restapi

import (
	"net/http"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// origin says where a request came from; callbacks report it. trace is the traceparent of the call, if it is followed.
func (h *Handler) origin(r *http.Request, trace string) relation.Origin {
	o := relation.Origin{Platform: api.PlatformREST, Trace: trace}
	if ip := h.proxies.Of(r); ip.IsValid() {
		o.ClientIP = ip.String()
	}
	return o
}

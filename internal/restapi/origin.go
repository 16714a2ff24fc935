package restapi

import (
	"net/http"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// origin says where a request came from; callbacks report it.
func (h *Handler) origin(r *http.Request) relation.Origin {
	o := relation.Origin{Platform: api.PlatformREST}
	if ip := h.proxies.Of(r); ip.IsValid() {
		o.ClientIP = ip.String()
	}
	return o
}

package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kithchat/kith/internal/relation"
)

// appLister lists the apps that exist. The registry does.
type appLister interface{ All() []*relation.App }

var clientCertEnd = perApp("kith_callback_client_certificate_expiry_timestamp_seconds",
	"When the client certificate that an app's callback endpoint is shown expires, in Unix seconds.")

// certificateCollector reads the ends of client certificates at each scrape.
type certificateCollector struct{ apps appLister }

// Describe implements prometheus.Collector.
func (c certificateCollector) Describe(out chan<- *prometheus.Desc) { out <- clientCertEnd }

// Collect implements prometheus.Collector.
func (c certificateCollector) Collect(out chan<- prometheus.Metric) {
	for _, app := range c.apps.All() {
		if shown := app.Callback.ClientCert; app.Callback.MutualTLS && shown != nil {
			out <- figure(clientCertEnd, float64(shown.NotAfter.Unix()), appLabel(app.SDKAppID))
		}
	}
}

// watchCertificates adds when certificates expire: those that endpoints are shown and the server's own, if it has one.
func (m *metrics) watchCertificates(apps appLister, own *certificates) {
	m.registry.MustRegister(certificateCollector{apps})
	if own != nil {
		m.registry.MustRegister(gauge("kith_tls_certificate_expiry_timestamp_seconds",
			"When the server's TLS certificate expires, in Unix seconds.", func() float64 {
				return float64(own.get().Leaf.NotAfter.Unix())
			}))
	}
}

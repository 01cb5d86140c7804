"""What a person looks at: Grafana dashboards, Prometheus configuration."""

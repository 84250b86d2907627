{{/* Refuses values that the schema cannot judge, because they contradict each other. Renders nothing. */}}
{{- define "paddle-serving-operator.validate" -}}
{{- if and .Values.watchNamespaces (eq .Values.rbac.scope "Cluster") -}}
{{- fail (printf "charts/paddle-serving-operator: `watchNamespaces` names %s, but `rbac.scope` is Cluster, which is every namespace. Set rbac.scope=Namespaced, or leave watchNamespaces empty." (join ", " .Values.watchNamespaces)) -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) .Values.rbac.create -}}
{{- fail "charts/paddle-serving-operator: `serviceAccount.create` is false and `serviceAccount.name` is empty, so that every pod of the namespace (account `default`) would get the operator's rights. Name an account, for example --set serviceAccount.name=paddle-serving-operator." -}}
{{- end -}}
{{- if not .Values.profiles.cpu -}}
{{- fail "charts/paddle-serving-operator: profile `cpu` was removed, but it is what a PaddleService without `spec.runtime` uses. Keep it, and change `profiles.cpu.image` or `profiles.cpu.resources` instead." -}}
{{- end -}}
{{- range $name, $profile := .Values.profiles -}}
{{- if $profile -}}
{{- if not $profile.image.repository -}}
{{- fail (printf "charts/paddle-serving-operator: `profiles.%s.image.repository` is missing. Name the runtime image of this profile, for example --set profiles.%s.image.repository=paddle-serving-runtime" $name $name) -}}
{{- end -}}
{{- range $quantity := list "cpu" "memory" -}}
{{- if not (index ($profile.resources.limits | default dict) $quantity) -}}
{{- fail (printf "charts/paddle-serving-operator: `profiles.%s.resources.limits.%s` is missing. A model server without limits can take a node down: give cpu and memory limits." $name $quantity) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.page.enabled (eq (int .Values.page.port) 8080) -}}
{{- fail "charts/paddle-serving-operator: `page.port` is 8080, where the health probe and the metrics are. Choose another one, for example --set page.port=8090." -}}
{{- end -}}
{{- /* only an API server tells of kinds; without one, as in `helm template`, Helm knows no more than versions */ -}}
{{- if and .Values.monitoring.podMonitor.enabled (.Capabilities.APIVersions.Has "v1/Pod") (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PodMonitor")) -}}
{{- fail "charts/paddle-serving-operator: `monitoring.podMonitor.enabled` is true, but this cluster has no PodMonitor (monitoring.coreos.com/v1). Install the Prometheus Operator's definitions first, or --set monitoring.podMonitor.enabled=false" -}}
{{- end -}}
{{- range .Values.env -}}
{{- if has .name (list "PROFILES_FILE" "WATCH_NAMESPACES" "WORKERS" "LOG_LEVEL" "PAGE_ENDPOINT") -}}
{{- fail (printf "charts/paddle-serving-operator: `env` sets %s, which the chart sets itself. Use `profiles`, `watchNamespaces`, `workers`, `logLevel` or `page`." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

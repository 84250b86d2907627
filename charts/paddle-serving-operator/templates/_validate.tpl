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
{{- range .Values.env -}}
{{- if has .name (list "PROFILES_FILE" "WATCH_NAMESPACES" "WORKERS" "LOG_LEVEL") -}}
{{- fail (printf "charts/paddle-serving-operator: `env` sets %s, which the chart sets itself. Use `profiles`, `watchNamespaces`, `workers` or `logLevel`." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

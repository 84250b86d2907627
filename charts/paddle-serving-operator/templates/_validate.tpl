{{/* Refuses values that the schema cannot judge, because they contradict each other. Renders nothing. */}}
{{- define "paddle-serving-operator.validate" -}}
{{- if and .Values.watchNamespaces (eq .Values.rbac.scope "Cluster") -}}
{{- fail (printf "charts/paddle-serving-operator: `watchNamespaces` names %s, but `rbac.scope` is Cluster, which is every namespace. Set rbac.scope=Namespaced, or leave watchNamespaces empty." (join ", " .Values.watchNamespaces)) -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) .Values.rbac.create -}}
{{- fail "charts/paddle-serving-operator: `serviceAccount.create` is false and `serviceAccount.name` is empty, so that every pod of the namespace (account `default`) would get the operator's rights. Name an account, for example --set serviceAccount.name=paddle-serving-operator." -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) .Values.serviceAccount.annotations -}}
{{- fail (printf "charts/paddle-serving-operator: `serviceAccount.annotations` are for the account that this chart makes, and `serviceAccount.create` is false. Write those of %s yourself, or --set serviceAccount.create=true" (.Values.serviceAccount.name | default "default")) -}}
{{- end -}}
{{- if not .Values.profiles.cpu -}}
{{- fail "charts/paddle-serving-operator: profile `cpu` was removed, but it is what a PaddleService without `spec.runtime` uses. Keep it, and change `profiles.cpu.image` or `profiles.cpu.resources` instead." -}}
{{- end -}}
{{- range $name, $profile := .Values.profiles -}}
{{- if $profile -}}
{{- if not $profile.image.repository -}}
{{- fail (printf "charts/paddle-serving-operator: `profiles.%s.image.repository` is missing. Name the runtime image of this profile, for example --set profiles.%s.image.repository=paddle-serving-runtime" $name $name) -}}
{{- end -}}
{{- with ($profile.fetch | default dict).cache -}}
{{- if and .persistentVolumeClaim .hostPath -}}
{{- fail (printf "charts/paddle-serving-operator: `profiles.%s.fetch.cache` has a persistentVolumeClaim and a hostPath. Keep one, and set the other to \"\"." $name) -}}
{{- end -}}
{{- end -}}
{{- include "paddle-serving-operator.validateProfile" (dict "path" (printf "profiles.%s" $name) "profile" $profile) -}}
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
{{- if and .Values.page.enabled (not (regexMatch "^[a-z][-a-z0-9]*$" (include "paddle-serving-operator.fullname" .))) -}}
{{- fail (printf "charts/paddle-serving-operator: with `page.enabled` %q becomes the name of a Service, which begins with a letter and has no dots. Choose another release name, or --set fullnameOverride=paddle-serving-operator" (include "paddle-serving-operator.fullname" .)) -}}
{{- end -}}
{{- include "paddle-serving-operator.validateRegistries" . -}}
{{- include "paddle-serving-operator.validatePod" .Values -}}
{{- include "paddle-serving-operator.validateNetworkPolicies" .Values.networkPolicy -}}
{{- include "paddle-serving-operator.validatePriorityClasses" .Values.priorityClasses -}}
{{- include "paddle-serving-operator.validateMonitoring" . -}}
{{- include "paddle-serving-operator.validateScope" . -}}
{{- range .Values.env -}}
{{- if has .name (list "PROFILES_FILE" "WATCH_NAMESPACES" "WORKERS" "LOG_LEVEL" "PAGE_ENDPOINT") -}}
{{- fail (printf "charts/paddle-serving-operator: `env` sets %s, which the chart sets itself. Use `profiles`, `watchNamespaces`, `workers`, `logLevel` or `page`." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The operator's own pod, given the values. */}}
{{- define "paddle-serving-operator.validatePod" -}}
{{- include "paddle-serving-operator.validateRequests" (dict "path" "resources" "resources" .resources) -}}
{{- include "paddle-serving-operator.validateTolerations" (dict "path" "tolerations" "tolerations" .tolerations) -}}
{{- include "paddle-serving-operator.validateExpressions" (dict "path" "affinity" "node" .affinity) -}}
{{- include "paddle-serving-operator.validateEnv" (dict "path" "env" "env" .env) -}}
{{- end -}}

{{/* What every pod of a profile would be refused for. Given (dict "path" <path> "profile" <profile>). */}}
{{- define "paddle-serving-operator.validateProfile" -}}
{{- include "paddle-serving-operator.validateRequests" (dict "path" (printf "%s.resources" .path) "resources" .profile.resources) -}}
{{- with .profile.fetch -}}{{- with .resources -}}
{{- include "paddle-serving-operator.validateRequests" (dict "path" (printf "%s.fetch.resources" $.path) "resources" .) -}}
{{- end -}}{{- end -}}
{{- include "paddle-serving-operator.validateTolerations" (dict "path" (printf "%s.tolerations" .path) "tolerations" .profile.tolerations) -}}
{{- include "paddle-serving-operator.validateEnv" (dict "path" (printf "%s.env" .path) "env" .profile.env) -}}
{{- end -}}

{{/* Given `networkPolicy`. Who names peers believes that others are kept out. */}}
{{- define "paddle-serving-operator.validateNetworkPolicies" -}}
{{- if and .operator.from (not .operator.enabled) -}}
{{- fail "charts/paddle-serving-operator: `networkPolicy.operator.from` is given, but `networkPolicy.operator.enabled` is false, so that nobody is kept out. --set networkPolicy.operator.enabled=true, or remove it." -}}
{{- end -}}
{{- range $name := list "from" "metricsFrom" -}}
{{- if and (index $.services $name) (not $.services.namespaces) -}}
{{- fail (printf "charts/paddle-serving-operator: `networkPolicy.services.%s` is given, but `networkPolicy.services.namespaces` is empty, so that nobody is kept out. Name the namespaces, or remove it." $name) -}}
{{- end -}}
{{- include "paddle-serving-operator.validatePeers" (dict "path" (printf "networkPolicy.services.%s" $name) "peers" (index $.services $name)) -}}
{{- end -}}
{{- include "paddle-serving-operator.validatePeers" (dict "path" "networkPolicy.operator.from" "peers" .operator.from) -}}
{{- end -}}

{{/* Given `priorityClasses`. */}}
{{- define "paddle-serving-operator.validatePriorityClasses" -}}
{{- $names := list -}}
{{- $default := "" -}}
{{- range . -}}
{{- if hasPrefix "system-" .name -}}
{{- fail (printf "charts/paddle-serving-operator: `priorityClasses` has %s, and names that begin with system- are Kubernetes' own. Choose another name." .name) -}}
{{- end -}}
{{- if has .name $names -}}
{{- fail (printf "charts/paddle-serving-operator: `priorityClasses` has %s twice. Keep one." .name) -}}
{{- end -}}
{{- if and .globalDefault $default -}}
{{- fail (printf "charts/paddle-serving-operator: `priorityClasses` has globalDefault in %s and in %s, and a cluster has one default. Remove one." $default .name) -}}
{{- end -}}
{{- if .globalDefault -}}{{- $default = .name -}}{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving-operator.validateRegistries" -}}
{{- $registries := dict "imageRegistry" .Values.imageRegistry "image.registry" .Values.image.registry -}}
{{- range $name, $profile := .Values.profiles -}}
{{- if $profile -}}{{- $_ := set $registries (printf "profiles.%s.image.registry" $name) $profile.image.registry -}}{{- end -}}
{{- end -}}
{{- range $path, $registry := $registries -}}
{{- if regexMatch "://|\\s|/.*[A-Z]" ($registry | default "") -}}
{{- fail (printf "charts/paddle-serving-operator: `%s` is %q, which no name of an image begins with. Give host[:port][/path], for example registry.example.com/ml" $path $registry) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving-operator.validateMonitoring" -}}
{{- $rule := .Values.monitoring.prometheusRule -}}
{{- $alerts := list -}}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups -}}
{{- range .rules -}}{{- $alerts = append $alerts .alert -}}{{- end -}}
{{- end -}}
{{- range $rule.disable -}}
{{- if not (has . $alerts) -}}
{{- fail (printf "charts/paddle-serving-operator: `monitoring.prometheusRule.disable` names %s, and there is no such alert. There are %s." . (join ", " $alerts)) -}}
{{- end -}}
{{- end -}}
{{- /* only an API server tells of kinds; without one, as in `helm template`, Helm knows no more than versions */ -}}
{{- if .Capabilities.APIVersions.Has "v1/Pod" -}}
{{- range $value, $kind := dict "podMonitor" "PodMonitor" "prometheusRule" "PrometheusRule" -}}
{{- if and (index $.Values.monitoring $value).enabled (not ($.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" $kind))) -}}
{{- fail (printf "charts/paddle-serving-operator: `monitoring.%s.enabled` is true, but this cluster has no %s (monitoring.coreos.com/v1). Install the Prometheus Operator's definitions first, or --set monitoring.%s.enabled=false" $value $kind $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "paddle-serving-operator.validateScope" -}}
{{- if eq .Values.rbac.scope "Namespaced" -}}
{{- with .Values.priorityClasses -}}
{{- fail (printf "charts/paddle-serving-operator: `priorityClasses` has %s, and `rbac.scope` Namespaced makes nothing that belongs to the cluster. Let an administrator make it, and remove it here." (first .).name) -}}
{{- end -}}
{{- $watched := include "paddle-serving-operator.watchNamespaces" . | splitList "," -}}
{{- range .Values.networkPolicy.services.namespaces -}}
{{- if not (has . $watched) -}}
{{- fail (printf "charts/paddle-serving-operator: `networkPolicy.services.namespaces` names %s, which the operator does not watch. Add it to `watchNamespaces`, or remove it." .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

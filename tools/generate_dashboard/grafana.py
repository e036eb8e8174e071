"""The dashboard as Grafana imports it."""

from typing import Any

from tools.generate_dashboard.panels import NODE, ROWS, Panel

GRID_WIDTH = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def field_config(panel: Panel) -> dict[str, Any]:
    """Return how a panel's figures are shown."""
    red_from = panel.options.get("red_from")
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if red_from is not None:
        steps.append({"color": "red", "value": red_from})
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
        "mappings": panel.options.get("mappings", []),
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 30 if panel.stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        }
    return {"defaults": defaults, "overrides": []}


def panel_options(panel: Panel) -> dict[str, Any]:
    """Return the settings of a panel's kind."""
    if panel.kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "orientation": "auto",
            "textMode": panel.options.get("text", "value"),
            "colorMode": "value",
            "graphMode": "none" if "text" in panel.options or "mappings" in panel.options else "area",
            "justifyMode": "auto",
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def panel_json(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    """Return one panel at a place of the grid."""
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": DATASOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "fieldConfig": field_config(panel),
        "options": panel_options(panel),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "editorMode": "code",
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "range": True,
            }
            for index, query in enumerate(panel.queries)
        ],
    }


def panels() -> list[dict[str, Any]]:
    """Return all rows and panels, row by row, as many beside one another as the grid is wide."""
    found: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS:
        number = len(found) + 1
        found.append(
            {
                "id": number,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": y, "w": GRID_WIDTH, "h": 1},
                "panels": [],
            }
        )
        y += 1
        x = height = 0
        for panel in row:
            if x + panel.width > GRID_WIDTH:
                x, y = 0, y + height
            found.append(panel_json(panel, len(found) + 1, x, y))
            x, height = x + panel.width, panel.height
        y += height
    return found


def query_variable(name: str, label: str, query: str) -> dict[str, Any]:
    """Return a choice among the values of a label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "options": [],
    }


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    return {
        "uid": "ottla",
        "title": "Ottla",
        "description": "A node of Ottla: what goes through it, how long it takes, who lags, and how the machine copes.",
        "tags": ["ottla", "kafka"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                    "refresh": 1,
                    "multi": False,
                    "includeAll": False,
                    "current": {},
                    "options": [],
                },
                query_variable("instance", "Node", "label_values(ottla_build_info, instance)"),
                query_variable("topic", "Topic", f"label_values(ottla_topic_bytes_in_total{{{NODE}}}, topic)"),
                query_variable("group", "Group", f"label_values(ottla_group_lag_records{{{NODE}}}, group)"),
                query_variable("api", "API", f"label_values(ottla_requests_total{{{NODE}}}, api)"),
            ]
        },
        "panels": panels(),
    }

# An MCP server over stdin and stdout (2025-11-25) that offers the tools in tools.json.
while IFS= read -r line; do
    id=$(printf '%s\n' "$line" | sed -n 's/.*"id": *\([0-9][0-9]*\).*/\1/p')
    case $line in
        *notifications/*) continue ;;
        *server/discover*) answer='"error":{"code":-32601,"message":"no such method"}' ;;
        *initialize*)
            answer='"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"notes","version":"1"}}'
            ;;
        *tools/list*) answer="\"result\":{\"tools\":$(cat tools.json)}" ;;
        *tools/call*) answer='"result":{"content":[{"type":"text","text":"noted"}]}' ;;
        *) answer='"error":{"code":-32601,"message":"no such method"}' ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$answer"
done

package noo;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.interceptor.api.Hook;
import ca.uhn.fhir.interceptor.api.Interceptor;
import ca.uhn.fhir.interceptor.api.Pointcut;
import ca.uhn.fhir.rest.api.server.RequestDetails;
import ca.uhn.fhir.rest.server.FifoMemoryPagingProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;
import ca.uhn.fhir.rest.server.provider.HashMapResourceProvider;
import java.net.InetSocketAddress;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hl7.fhir.instance.model.api.IBaseResource;

/**
 * A HAPI FHIR server on loopback that keeps Consents in memory: STU3 below /stu3, R4 below /r4. It
 * prints its port, and ends with its standard input. Only requests with the token in its argument
 * are answered.
 */
public final class ConsentServer {
	public static void main(String[] args) throws Exception {
		Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
		ServletContextHandler handler = new ServletContextHandler("/");
		add(handler, "/stu3/*", FhirContext.forDstu3(), org.hl7.fhir.dstu3.model.Consent.class, args[0]);
		add(handler, "/r4/*", FhirContext.forR4(), org.hl7.fhir.r4.model.Consent.class, args[0]);
		server.setHandler(handler);
		server.start();
		System.out.println(((ServerConnector) server.getConnectors()[0]).getLocalPort());
		System.out.flush();
		while (System.in.read() >= 0) {}
		System.exit(0);
	}

	private static <T extends IBaseResource> void add(
			ServletContextHandler handler, String path, FhirContext context, Class<T> type, String token) {
		RestfulServer server = new RestfulServer(context);
		server.setResourceProviders(new HashMapResourceProvider<>(context, type));
		FifoMemoryPagingProvider pages = new FifoMemoryPagingProvider(10);
		pages.setDefaultPageSize(20);
		pages.setMaximumPageSize(10_000);
		server.setPagingProvider(pages);
		server.registerInterceptor(new OnlyWith("Bearer " + token));
		handler.addServlet(new ServletHolder(server), path);
	}

	/** Refuses requests without the token. */
	@Interceptor
	public static final class OnlyWith {
		private final String header;

		OnlyWith(String header) {
			this.header = header;
		}

		@Hook(Pointcut.SERVER_INCOMING_REQUEST_PRE_HANDLED)
		public void check(RequestDetails request) {
			if (!header.equals(request.getHeader("Authorization"))) {
				throw new AuthenticationException("a token is missing");
			}
		}
	}
}
